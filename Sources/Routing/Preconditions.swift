import Bytes
import Expansion
import MailText

/// What a router's preconditions say.
enum Precondition {
    case holds
    case skip
}

extension RoutingScene {
    /// Tests the preconditions in Exim's order (manual, section 3.12); throws when one cannot be told now.
    mutating func testPreconditions(knownUsers: SystemUsers) async throws(RoutingTrouble) -> Precondition {
        guard options.purposes.contains(purpose) else { return skip("it is not for this purpose") }
        guard stripAffixes() else { return skip("the local part has not its prefix or suffix") }
        if let domains = options.domains {
            let match = await expander.matchDomain(domain, in: domains, &facts)
            guard try hasMatched(match, "domains", keeping: \.domainData) else {
                return skip("domains does not match")
            }
        }
        if let localParts = options.localParts {
            let seesCase = options.isCaseful || localParts.source.contains(ByteString("+caseful"))
            let match = await expander.matchLocalPart(
                seesCase ? casedLocalPart.unquotedLocalPart : localPart, in: localParts, &facts,
                caseful: options.isCaseful)
            guard try hasMatched(match, "local_parts", keeping: \.localPartData) else {
                return skip("local_parts does not match")
            }
        }
        if options.checksLocalUser {
            let user: SystemUser
            switch knownUsers.account(named: localPart) {
            case .success(let account?): user = account
            case .success(nil): return skip("check_local_user: there is no such user")
            case .failure(let trouble):
                throw RoutingTrouble(
                    "check_local_user: user \(localPart) cannot be looked up: \(trouble.text)")
            }
            account = user
            home = TaintedBytes(user.home)
            facts.address.localPartData = TaintedBytes(localPart)
            facts.address.localUserUID = Int(user.uid)
            facts.address.localUserGID = Int(user.gid)
            facts.address.home = home
        }
        if let template = options.routerHome,
            let value = try await expand(
                template, failing: "failed to expand \"\(template.source)\" for router_home_directory")
        {
            facts.address.home = value
        }
        if let print = environment.debugPrint, let template = options.debugPrint {
            await print(debugLine(template))
        }
        if let senders = options.senders {
            let match = await expander.matchAddress(
                facts.message.sender ?? ByteString(), in: senders, &facts, caseful: options.isCaseful)
            guard try hasMatched(match, "senders", keeping: nil) else {
                return skip("senders does not match")
            }
        }
        if let files = options.requiredFiles, try await !hasFiles(files, users: knownUsers) {
            return skip("require_files: not all of them are there")
        }
        guard let condition = options.condition else { return .holds }
        return try await holds(condition) ? .holds : skip("condition is false")
    }

    private func debugLine(_ template: Template) async -> ByteString {
        do {
            let text = try await expander.expand(template, facts).bytes
            return text.last == .newline ? text : "\(text)\n"
        } catch {
            return "failed to expand debug_output \"\(template.source)\": \(error.text)\n"
        }
    }

    /// Notes why the router is passed over.
    private mutating func skip(_ reason: ByteString) -> Precondition {
        skipReason = reason
        return .skip
    }

    private mutating func hasMatched(
        _ match: ListMatch, _ option: ByteString, keeping place: WritableKeyPath<AddressFacts, TaintedBytes?>?
    ) throws(RoutingTrouble) -> Bool {
        switch match {
        case .matched(let data):
            if let place { facts.address[keyPath: place] = data }
            return true
        case .notMatched: return false
        case .deferred(let reason):
            log(reason, isPanic: true)
            throw RoutingTrouble("\(option) check lookup or other defer", errno: -35)
        }
    }

    /// An expansion that fails defers here, as the manual says, where Exim 4.96 logs it and skips the router.
    private mutating func holds(_ condition: Template) async throws(RoutingTrouble) -> Bool {
        do {
            return try await expander.isTrueLoosely(condition: condition, updating: &facts)
        } catch {
            if case .forcedFailure = error { return false }
            let name = options.name
            throw RoutingTrouble(
                "failed to expand condition \"\(condition.source)\" for \(name) router: \(error.text)")
        }
    }

    // MARK: Affixes

    private mutating func stripAffixes() -> Bool {
        if !options.prefixes.isEmpty {
            if let (length, variable) = Affix.first(options.prefixes, { $0.prefix(of: localPart) }) {
                let prefix = ByteString(localPart.prefix(length))
                facts.address.localPartPrefix = TaintedBytes(prefix, .tainted)
                facts.address.localPartPrefixVariable = TaintedBytes(
                    ByteString(prefix.prefix(variable)), .tainted)
                keep(length..<localPart.count)
            } else if !options.prefixIsOptional {
                return false
            }
        }
        if !options.suffixes.isEmpty {
            if let (length, variable) = Affix.first(options.suffixes, { $0.suffix(of: localPart) }) {
                let suffix = ByteString(localPart.suffix(length))
                facts.address.localPartSuffix = TaintedBytes(suffix, .tainted)
                facts.address.localPartSuffixVariable = TaintedBytes(
                    ByteString(suffix.suffix(variable)), .tainted)
                keep(0..<(localPart.count - length))
            } else if !options.suffixIsOptional {
                return false
            }
        }
        return true
    }

    private mutating func keep(_ range: Range<Int>) {
        localPart = ByteString(localPart[range])
        let meant = casedLocalPart.unquotedLocalPart
        let rest = ByteString(meant[range])
        // What was quoted is quoted again as a whole: a stray quote or backslash would mean something else.
        casedLocalPart = meant == casedLocalPart ? rest : rest.quotedLocalPart
        facts.address.localPart = TaintedBytes(localPart, address.taint)
    }
}

/// One item of `local_part_prefix` or `local_part_suffix`.
struct Affix {
    let text: ByteString

    init(_ text: ByteString) { self.text = text }

    /// The first of several that matches.
    static func first(
        _ items: [ByteString], _ match: (Affix) -> (length: Int, variable: Int)?
    ) -> (length: Int, variable: Int)? {
        for item in items {
            if let found = match(Affix(item)) { return found }
        }
        return nil
    }

    /// How many octets the prefix takes, and how many of them the wildcard; nil without a match.
    func prefix(of localPart: ByteString) -> (length: Int, variable: Int)? {
        guard text.first == UInt8(ascii: "*") else {
            return localPart.startsIgnoringCase(with: text) ? (text.count, 0) : nil
        }
        let fixed = text.dropFirst()
        guard localPart.count >= fixed.count else { return nil }
        for start in stride(from: localPart.count - fixed.count, through: 0, by: -1)
        where localPart[start...].startsIgnoringCase(with: fixed) {
            return (start + fixed.count, start)
        }
        return nil
    }

    /// The same for a suffix, whose wildcard is its last octet.
    func suffix(of localPart: ByteString) -> (length: Int, variable: Int)? {
        guard text.last == UInt8(ascii: "*") else {
            let matches =
                localPart.count >= text.count
                && ByteString(localPart.suffix(text.count)).equalsIgnoringCase(text)
            return matches ? (text.count, 0) : nil
        }
        let fixed = text.dropLast()
        guard localPart.count >= fixed.count else { return nil }
        for start in 0...(localPart.count - fixed.count)
        where localPart[start...].startsIgnoringCase(with: fixed) {
            let length = localPart.count - start
            return (length, length - fixed.count)
        }
        return nil
    }
}

/// The two parts of a qualified address.
struct AddressParts {
    let localPart: ByteString
    let domain: ByteString

    init(_ address: ByteString) {
        let parts = address.cutAtLast(UInt8(ascii: "@"))
        localPart = parts.map { ByteString($0.before) } ?? address
        domain = parts.map { ByteString($0.after) } ?? ByteString()
    }
}
