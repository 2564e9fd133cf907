package import Bytes
import Glibc
package import Routing

/// A line for a file of a user's: what a filter writes to its log.
package struct AppendOrder: Sendable, Hashable {
    /// The file; it is made where it is missing.
    package var path: ByteString
    /// The mode that it is made with.
    package var mode: UInt32
    /// What is added to it.
    package var text: ByteString

    /// Makes an order.
    package init(path: ByteString, mode: UInt32, text: ByteString) {
        (self.path, self.mode, self.text) = (path, mode, text)
    }

    /// Writes it.
    func perform() -> LocalReport {
        do throws(SystemFailure) {
            let file = try System.open(path, O_WRONLY | O_APPEND | O_CREAT, mode)
            try System.write(file.raw, text.bytes[...])
            return LocalReport(.delivered(confirmation: nil))
        } catch {
            return LocalReport(.deferred(TransportTrouble(error.text, errno: error.number)))
        }
    }

    /// Writes it as a user; gives what went wrong.
    package func perform(as user: DeliveryUser, by program: ByteString?) async -> ByteString? {
        let report: LocalReport
        if System.effectiveUser != 0 || user.uid == 0 {
            report = await Offload.run { perform() }
        } else if let program {
            report = await LocalProcess(program: program, user: user).deliver(.append(self))
        } else {
            return "bobbin-deliver-local is not beside this program"
        }
        guard case .deferred(let trouble) = report.verdict(0) else { return nil }
        return trouble.text
    }
}

extension AppendOrder: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&path)
        coder.pass(&mode)
        coder.pass(&text)
    }
}
