import CLinux
import Glibc

/// Pipes between us and a child.
package enum ChildPipe {
    /// Makes a pipe whose ends no program of ours inherits, except under the number that `ChildStart` gives them.
    ///
    /// The caller closes both ends.
    package static func ends() throws(ChildFailure) -> (reading: Int32, writing: Int32) {
        var pair: [CInt] = [-1, -1]
        let code = unsafe clinux_pipe(&pair)
        guard code == 0 else { throw ChildFailure(number: code) }
        return (pair[0], pair[1])
    }
}
