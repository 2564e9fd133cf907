import Bytes
import Expansion
import Glibc

extension RoutingScene {
    /// The test of `require_files` (manual, chapter 15): whether all the files are there, or not there.
    mutating func hasFiles(_ list: Template, users: SystemUsers) async throws(RoutingTrouble) -> Bool {
        var access: FileAccess?
        for item in ItemList.split(list.source, separator: UInt8(ascii: ":")) {
            let expanded = try await expand(
                Template(item), failing: "failed to expand \"\(item)\" for require_files")
            guard var path = expanded?.bytes.trimmed(), !path.isEmpty else { continue }
            if !path.contains(UInt8(ascii: "/")) {
                guard let user = try checkedUser(ByteString(path), users) else { return false }
                access = user
                continue
            }
            var isInverted = false
            var forgives = false
            while let mark = path.first, mark == UInt8(ascii: "!") || mark == UInt8(ascii: "+") {
                if mark == UInt8(ascii: "!") { isInverted = true } else { forgives = true }
                path = path.dropFirst().trimmedStart()
            }
            if try exists(ByteString(path), access, forgives) == isInverted { return false }
        }
        return true
    }

    private func checkedUser(_ item: ByteString, _ users: SystemUsers) throws(RoutingTrouble) -> FileAccess? {
        let words = item.cut(at: UInt8(ascii: ",")) ?? (item[...], [])
        let name = ByteString(words.before.trimmed())
        guard let user = users.user(named: name) ?? name.decimalInteger().flatMap({ users.user(uid: $0) })
        else { throw RoutingTrouble("user \"\(name)\" for require_files not found") }
        let group = ByteString(words.after.trimmed())
        guard !group.isEmpty else { return FileAccess(uid: user.uid, gid: user.gid) }
        guard let gid = users.group(named: group) else {
            throw RoutingTrouble("group \"\(group)\" for require_files not found")
        }
        return FileAccess(uid: user.uid, gid: gid)
    }

    private func exists(
        _ path: ByteString, _ access: FileAccess?, _ forgives: Bool
    ) throws(RoutingTrouble) -> Bool {
        guard path.first == UInt8(ascii: "/") else {
            throw RoutingTrouble("require_files: \"\(path)\" is not an absolute path")
        }
        switch FileStatus.of(path) {
        case .success: return access.map { $0.mayRead(path) } ?? true
        case .failure(let code) where code.number == ENOENT || code.number == ENOTDIR: return false
        case .failure(let code) where code.number == EACCES && forgives: return false
        case .failure(let code):
            throw RoutingTrouble("require_files: error for \(path): \(code.text)", errno: code.number)
        }
    }
}
