import Bytes
import Lookups
import MailText
import OpenSSL

extension Evaluation {
    /// Whether a condition holds (manual, section 11.7).
    mutating func isTrue(_ condition: Condition) async throws(ExpansionError) -> Bool {
        switch condition {
        case .not(let inner): return try await !isTrue(inner)
        case .all(let parts): return try await combine(parts, "and{...}", stopsAt: false)
        case .any(let parts): return try await combine(parts, "or{...}", stopsAt: true)
        case .definedVariable(let name): return try await !variable(name).bytes.isEmpty
        case .definedHeader(let reference): return HeaderText.exists(reference, facts)
        case .strings(let relation, let caseless, let one, let other):
            let (left, right) = (try await text(one).bytes, try await text(other).bytes)
            return caseless
                ? relation.holds(left.lowercasedASCII(), right.lowercasedASCII())
                : relation.holds(left, right)
        case .numbers(let relation, let one, let other):
            let (left, right) = (try await text(one).bytes, try await text(other).bytes)
            return relation.holds(try EximNumber.read(left), try EximNumber.read(right))
        case .test(let test, let subject): return try self.test(test, try await text(subject))
        case .pattern(let subject, let pattern): return try await match(subject, pattern)
        case .list(let list, let subject, let items): return try await isIn(list, subject, items)
        case .member(let caseless, let subject, let list): return try await isMember(subject, list, caseless)
        case .each(let all, let element, let list, let inner):
            return try await each(list, all: all, element, inner)
        case .crypt(let plain, let encrypted):
            return try Password.matches(try await text(plain).bytes, try await text(encrypted).bytes)
        case .acl(let groups):
            let (holds, message) = try await callACL(groups)
            facts.value = message ?? ""
            return holds
        case .saslauthd: throw .failed("support for \"saslauthd\" not compiled")
        case .inboundSRS(let localPart, let secret): return try await isInboundSRS(localPart, secret)
        case .firstDelivery: return facts.message.isFirstDelivery
        case .queueRunning: return facts.message.isQueueRunning
        }
    }

    private mutating func combine(
        _ parts: [Condition], _ name: ByteString, stopsAt: Bool
    ) async throws(ExpansionError) -> Bool {
        for part in parts {
            do {
                if try await isTrue(part) == stopsAt { return stopsAt }
            } catch {
                throw error.inside(name)
            }
        }
        return !stopsAt
    }

    private func test(_ test: Condition.Test, _ subject: TaintedBytes) throws(ExpansionError) -> Bool {
        switch test {
        case .bool: return try Truth.strict(subject.bytes)
        case .boolLax: return Truth.lax(subject.bytes)
        case .exists:
            guard !environment.forbidden.contains(.exists) else {
                throw .failed("file existence tests are not permitted")
            }
            return FileAccess.exists(subject.bytes)
        case .isip: return IPText.address(subject.bytes) != nil
        case .isip4: return IPText.address(subject.bytes)?.isV6 == false
        case .isip6: return IPText.address(subject.bytes)?.isV6 == true
        case .ldapauth, .pam, .pwcheck, .radius:
            throw .failed("support for \"\(test.rawValue)\" not compiled")
        }
    }

    private mutating func match(
        _ subject: [Node], _ pattern: [Node]
    ) async throws(ExpansionError) -> Bool {
        let subject = try await text(subject)
        let pattern = try await text(pattern).bytes
        do {
            let regex = try environment.patterns.pattern(pattern)
            guard let found = try regex.firstMatch(in: subject.bytes) else { return false }
            facts.captures = found.captures(of: subject)
            return true
        } catch {
            throw .failed("regular expression error in \"\(pattern)\": \(error.words)")
        }
    }

    private mutating func isIn(
        _ list: Condition.List, _ subject: [Node], _ items: ListText
    ) async throws(ExpansionError) -> Bool {
        let subject = try await text(subject).bytes
        var kind = ListSubject.domain(subject)
        switch list {
        case .domain: break
        case .address: kind = .address(subject, caseful: false)
        case .localPart: kind = .localPart(subject, caseful: false)
        case .ip:
            guard subject.isEmpty || IPText.address(subject) != nil else {
                throw .failed("\"\(subject)\" is not an IP address")
            }
            kind = .ip(IPText.address(subject))
        }
        switch await match(kind, items) {
        case .matched(let data):
            facts.value = data ?? ""
            return true
        case .notMatched: return false
        case .deferred(let reason):
            throw .deferred("unable to complete match against \"\(items.source)\": \(reason)")
        }
    }

    private mutating func isMember(
        _ subject: [Node], _ list: [Node], _ caseless: Bool
    ) async throws(ExpansionError) -> Bool {
        let subject = try await text(subject).bytes
        let list = try await text(list)
        for item in ListItems(list.bytes) where caseless ? item.equalsIgnoringCase(subject) : item == subject
        {
            facts.value = TaintedBytes(item, list.taint)
            return true
        }
        return false
    }

    private mutating func each(
        _ list: [Node], all: Bool, _ element: Condition.EachElement, _ inner: Condition
    ) async throws(ExpansionError) -> Bool {
        let name = (all ? "forall" : "forany") + element.rawValue
        let source = try await text(list)
        let before = facts.item
        let items = try Self.elements(source.bytes, element)
        for item in items {
            let text = element == .jsonString ? try JSONText.string(item) : item
            facts.item = TaintedBytes(text, source.taint)
            do {
                guard try await isTrue(inner) == all else {
                    facts.item = before
                    return !all
                }
            } catch {
                throw error.inside(ByteString(name))
            }
        }
        facts.item = before
        // Without items neither of them is true, as in Exim.
        return all && !items.isEmpty
    }

    private static func elements(
        _ source: ByteString, _ element: Condition.EachElement
    ) throws(ExpansionError) -> [ByteString] {
        switch element {
        case .item: ListItems(source).all
        case .json, .jsonString: try JSONText.elements(of: source)
        }
    }
}

extension PatternMatch {
    /// The captured octets with the subject's taint.
    func captures(of subject: TaintedBytes) -> [TaintedBytes] {
        captures.map { range in
            TaintedBytes(range.map { ByteString(subject.bytes[$0]) } ?? "", subject.taint)
        }
    }
}

/// Yes and no in all the ways that Exim reads them.
enum Truth {
    /// The rule of `bool{}`.
    static func strict(_ text: ByteString) throws(ExpansionError) -> Bool {
        let word = ByteString(text.trimmed()).lowercasedASCII()
        switch word {
        case "": return false
        case "true", "yes": return true
        case "false", "no": return false
        default:
            let digits = word.first == UInt8(ascii: "-") ? word.dropFirst() : word[...]
            guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else {
                throw .failed("unrecognised boolean value \"\(ByteString(text.trimmed()))\"")
            }
            return digits.contains { $0 != UInt8(ascii: "0") }
        }
    }

    /// The rule of `bool_lax{}` and of a router's `condition`.
    static func lax(_ text: ByteString) -> Bool {
        let word = ByteString(text.trimmed()).lowercasedASCII()
        return !(word.isEmpty || word == "0" || word == "no" || word == "false")
    }
}

/// IP addresses as conditions and operators take them.
enum IPText {
    /// The address; an IPv6 one may have a zone after `%`.
    static func address(_ text: ByteString) -> IPAddress? {
        guard let parts = text.cut(at: UInt8(ascii: "%")) else { return IPAddress(text) }
        guard !parts.after.isEmpty, let address = IPAddress(parts.before), address.isV6 else { return nil }
        return address
    }
}
