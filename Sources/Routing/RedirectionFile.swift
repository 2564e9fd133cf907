import Bytes
import Glibc

/// Who may own a redirection file, and with which mode (manual, section 22.10).
struct RedirectionFileRules: Sendable {
    var modeMask: UInt32 = 0o022
    var checksOwner: Bool?
    var checksGroup: Bool?
    var owners: [ByteString] = []
    var groups: [ByteString] = []
    var ignoresAccess = false
    var ignoresNotDirectory = false
}

/// What reading the file of a redirect router came to.
enum RedirectionFileOutcome {
    case text(ByteString, owner: UInt32)
    /// There is none: the router declines.
    case absent
}

extension RedirectionFileRules {
    /// Reads the file as the manual's option `file` says; throws what defers.
    func read(
        _ path: ByteString, account: SystemUser?, users: SystemUsers
    ) throws(RoutingTrouble) -> RedirectionFileOutcome {
        guard path.first == UInt8(ascii: "/") else {
            throw RoutingTrouble("\"\(path)\" is not an absolute path")
        }
        switch SmallFile.read(path) {
        case .success(let file):
            try check(file.status, path, account, users)
            return .text(file.text, owner: file.status.uid)
        case .failure(let error): return try missing(path, error)
        }
    }

    private func missing(_ path: ByteString, _ error: SystemErrno) throws(RoutingTrouble)
        -> RedirectionFileOutcome
    {
        switch error.number {
        case ENOTDIR where ignoresNotDirectory: return .absent
        case EACCES where ignoresAccess: return .absent
        case ENOENT:
            if ignoresNotDirectory { return .absent }
            let parent = path.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.before) } ?? ""
            if case .failure(let problem) = FileStatus.of("\(parent)/.") {
                if problem.number == EACCES, ignoresAccess { return .absent }
                throw RoutingTrouble(
                    "failed to stat \(parent)/. (\(problem.text))", errno: -1)
            }
            return .absent
        default:
            throw RoutingTrouble("failed to open \(path) (\(error.text))", errno: error.number)
        }
    }

    private func check(
        _ status: FileStatus, _ path: ByteString, _ account: SystemUser?, _ users: SystemUsers
    ) throws(RoutingTrouble) {
        guard status.isRegular else { throw RoutingTrouble("\(path) is not a regular file", errno: -1) }
        if status.mode & modeMask & 0o7777 != 0 {
            let mode = String(status.mode & 0o7777, radix: 8)
            throw RoutingTrouble(
                "bad mode (0\(ByteString(mode))) for \(path): \(octal(status.mode & modeMask & 0o7777)) bit(s) unexpected"
            )
        }
        if checksOwner ?? (account != nil || !owners.isEmpty) {
            var allowed = owners.compactMap {
                users.user(named: $0)?.uid ?? $0.decimalInteger().map { UInt32(clamping: $0) }
            }
            if let account { allowed.append(account.uid) }
            if !allowed.contains(status.uid) {
                throw RoutingTrouble("bad owner for \(path)")
            }
        }
        if checksGroup ?? ((account != nil && modeMask & 0o020 == 0) || !groups.isEmpty) {
            var allowed = groups.compactMap { users.group(named: $0) }
            if let account { allowed.append(account.gid) }
            if !allowed.contains(status.gid) {
                throw RoutingTrouble("bad group for \(path)")
            }
        }
    }

    private func octal(_ mode: UInt32) -> ByteString {
        let digits = String(mode, radix: 8)
        return ByteString(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
    }
}
