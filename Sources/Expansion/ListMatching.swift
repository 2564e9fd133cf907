import Bytes
import Lookups
import MailText

/// What is looked for in a list.
enum ListSubject: Sendable {
    case domain(ByteString)
    case localPart(ByteString, caseful: Bool)
    case address(ByteString, caseful: Bool)
    case host(HostIdentity)
    /// The restricted host list of `match_ip`.
    case ip(IPAddress?)

    /// What the kind of list is called in Exim's texts.
    var kindName: ByteString {
        switch self {
        case .domain: "domain"
        case .localPart: "local part"
        case .address: "address"
        case .host, .ip: "host"
        }
    }
}

/// What one item says about a subject.
enum ItemVerdict: Sendable {
    case match(TaintedBytes?)
    case noMatch
    /// A negated line of a file matched: the walk ends as it does for a negated item.
    case excluded
    /// It cannot be told now.
    case deferred(ByteString)
    /// The host's name or address is not to be had, and why: the list decides what that means.
    case unknown(ByteString)
}

/// How a walk over a list goes on after names that cannot be told (manual, sections 10.16 and 10.17).
struct UnknownPolicy: Sendable {
    enum Action: Sendable { case usual, include, ignore }
    var unknown = Action.usual
    var deferral = Action.usual

    /// Takes a `+include_unknown` item and its relatives; false for any other item.
    mutating func take(_ item: ByteString) -> Bool {
        switch item {
        case "+include_unknown": unknown = .include
        case "+ignore_unknown": unknown = .ignore
        case "+include_defer": deferral = .include
        case "+ignore_defer": deferral = .ignore
        default: return false
        }
        return true
    }
}

extension Evaluation {
    /// Whether the subject is in the list: expanded unless it is literal, then walked item by item.
    mutating func match(_ subject: ListSubject, _ list: ListText) async -> ListMatch {
        if let items = list.literalItems { return await walk(subject, items, .clean) }
        do {
            let text = try await expand(list.template)
            return await walk(subject, ListItems(text.bytes).all, text.taint)
        } catch {
            // A forced failure means that there is no list (manual, section 10.1).
            guard case .forcedFailure = error else {
                return .deferred(
                    reason: "failed to expand \"\(list.source)\" while checking a list: \(error.text)")
            }
            return .notMatched
        }
    }

    private mutating func walk(
        _ subject: ListSubject, _ items: [ByteString], _ taint: Taint
    ) async -> ListMatch {
        var subject = subject
        var policy = UnknownPolicy()
        var lastIsNegated = false
        for item in items {
            if subject.takesCaseful(item) || (subject.isHost && policy.take(item)) { continue }
            let (pattern, isNegated) = Self.withoutNegation(item)
            lastIsNegated = isNegated
            switch await verdict(on: subject, pattern, taint) {
            case .noMatch: continue
            case .match(let data): return isNegated ? .notMatched : .matched(data: data)
            case .excluded: return isNegated ? .matched(data: nil) : .notMatched
            case .unknown(let reason):
                switch policy.unknown {
                case .ignore: continue
                case .include: return isNegated ? .notMatched : .matched(data: nil)
                // A host whose name cannot be found does not match the list that needs it.
                case .usual:
                    environment.noteUnknown("list matching forced to fail: \(reason)")
                    return .notMatched
                }
            case .deferred(let reason):
                switch subject.isHost ? policy.deferral : .usual {
                case .ignore: continue
                case .include: return isNegated ? .notMatched : .matched(data: nil)
                case .usual: return .deferred(reason: reason)
                }
            }
        }
        return lastIsNegated ? .matched(data: nil) : .notMatched
    }

    private static func withoutNegation(_ item: ByteString) -> (ByteString, Bool) {
        guard item.first == UInt8(ascii: "!") else { return (item, false) }
        return (ByteString(item.dropFirst().trimmedStart()), true)
    }

    private mutating func verdict(
        on subject: ListSubject, _ pattern: ByteString, _ taint: Taint
    ) async -> ItemVerdict {
        if pattern.first == UInt8(ascii: "+"), pattern.count > 1 {
            return await namedListVerdict(subject, ByteString(pattern.dropFirst()))
        }
        if pattern.first == UInt8(ascii: "/") { return await fileVerdict(subject, pattern, taint) }
        switch subject {
        case .domain(let domain): return await matchDomainItem(domain, pattern, taint)
        case .localPart(let part, let caseful):
            return await matchStringItem(part, pattern, StringRules(caseful: caseful, taint: taint))
        case .address(let address, let caseful):
            return await matchAddressItem(address, pattern, StringRules(caseful: caseful, taint: taint))
        case .host(let host): return await matchHostItem(host, pattern, taint)
        case .ip(let address): return await matchIPItem(address, pattern, taint)
        }
    }

    private mutating func namedListVerdict(
        _ subject: ListSubject, _ name: ByteString
    ) async -> ItemVerdict {
        let table =
            switch subject {
            case .domain: environment.namedLists.domain
            case .localPart: environment.namedLists.localPart
            case .address: environment.namedLists.address
            case .host, .ip: environment.namedLists.host
            }
        guard let list = table[name] else {
            return .deferred("unknown named \(subject.kindName) list \"+\(name)\"")
        }
        guard depth < Self.deepestCall else {
            return .deferred(
                "named lists contain each other more than \(Self.deepestCall) deep at \"+\(name)\"")
        }
        depth += 1
        defer { depth -= 1 }
        switch await match(subject, list) {
        case .matched(let data): return .match(data)
        case .notMatched: return .noMatch
        case .deferred(let reason): return .deferred(reason)
        }
    }

    /// An absolute file name stands for the items that the file has, one a line.
    private mutating func fileVerdict(
        _ subject: ListSubject, _ path: ByteString, _ taint: Taint
    ) async -> ItemVerdict {
        guard !taint.isTainted else { return .deferred("Tainted filename '\(path)'") }
        let contents: ByteString
        do {
            contents = try FileAccess.read(path)
        } catch {
            return .deferred(
                "failed to open \(path) when checking \"\(path)\": \(Self.lastPart(of: error.text))")
        }
        for line in contents.split(separator: .newline) {
            let item = Self.withoutComment(line)
            guard !item.isEmpty else { continue }
            let (pattern, isNegated) = Self.withoutNegation(item)
            let verdict = await verdict(on: subject, pattern, .clean)
            switch verdict {
            case .noMatch: continue
            case .match: return isNegated ? .excluded : verdict
            case .deferred, .unknown, .excluded: return verdict
            }
        }
        return .noMatch
    }

    private static func lastPart(of text: ByteString) -> ByteString {
        text.cutAtLast(UInt8(ascii: ":")).map { ByteString($0.after.trimmed()) } ?? text
    }

    /// A comment begins with `#` at the start of the line or after white space.
    private static func withoutComment(_ line: ArraySlice<UInt8>) -> ByteString {
        var end = line.endIndex
        for place in line.indices where line[place] == UInt8(ascii: "#") {
            guard place == line.startIndex || line[place - 1].isASCIISpace else { continue }
            end = place
            break
        }
        return ByteString(line[line.startIndex..<end].trimmed())
    }
}

extension ListSubject {
    var isHost: Bool {
        switch self {
        case .host, .ip: true
        case .domain, .localPart, .address: false
        }
    }

    /// Takes a `+caseful` item, which holds for the items after it.
    mutating func takesCaseful(_ item: ByteString) -> Bool {
        guard item == "+caseful" else { return false }
        switch self {
        case .localPart(let part, _): self = .localPart(part, caseful: true)
        case .address(let address, _): self = .address(address, caseful: true)
        case .domain, .host, .ip: return false
        }
        return true
    }
}
