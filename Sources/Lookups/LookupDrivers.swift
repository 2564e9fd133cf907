package import Bytes
package import DNS

/// What a search in one file gave, and how the key was found.
package struct LookupAnswer: Sendable, Hashable {
    /// The outcome.
    package var outcome: LookupOutcome
    /// For a partial match: the components that were cut off, and those that remained (`$1` and `$2`).
    package var parts: (wild: ByteString, fixed: ByteString)? {
        wild.map { ($0, fixed) }
    }
    private var wild: ByteString?
    private var fixed = ByteString()

    init(_ outcome: LookupOutcome) { self.outcome = outcome }

    init(_ outcome: LookupOutcome, wild: ByteString, fixed: ByteString) {
        self.outcome = outcome
        self.wild = wild
        self.fixed = fixed
    }
}

/// The table of drivers that expansions and lists may ask, by name.
package struct LookupDrivers: Sendable {
    private let drivers: [ByteString: any LookupDriver]

    /// Makes a table.
    package init(_ drivers: [ByteString: any LookupDriver]) {
        self.drivers = drivers
    }

    /// The drivers that need nothing but files and a resolver.
    package static func standard(
        resolver: any NameResolver = FixedResolver([:]), csaSearchLimit: Int = 5
    ) -> LookupDrivers {
        let files = FileCache()
        return LookupDrivers([
            "lsearch": LinearSearch(keys: .plain, files: files),
            "wildlsearch": LinearSearch(keys: .wild(expanded: true), files: files),
            "nwildlsearch": LinearSearch(keys: .wild(expanded: false), files: files),
            "iplsearch": LinearSearch(keys: .addresses, files: files),
            "dsearch": DirectorySearch(),
            "filename": FileNameCheck(),
            "passwd": PasswordSearch(),
            "cdb": ConstantDatabase(files: files),
            "json": JSONSearch(files: files),
            "dnsdb": DNSLookup(resolver: resolver, parentLimit: max(0, csaSearchLimit)),
        ])
    }

    /// The table with one driver more, or another one under that name.
    package func adding(_ driver: any LookupDriver, as name: ByteString) -> LookupDrivers {
        var drivers = drivers
        drivers[name] = driver
        return LookupDrivers(drivers)
    }

    /// The driver of that name, or nil.
    package func driver(named name: ByteString) -> (any LookupDriver)? { drivers[name] }

    /// A string made safe for a query of that type (`${quote_<type>:...}`); nil for a type without quoting.
    ///
    /// MySQL has quoting and no driver: what programs of others store there may be made here.
    package func quoted(_ text: ByteString, for name: ByteString) -> ByteString? {
        name == "mysql" ? StatementQuoting.mysql(text) : drivers[name]?.quote(text)
    }

    /// The driver of a type that somebody wrote, with the type read.
    ///
    /// - Throws: Exim's text for an unknown type, and for `partial` or defaults that the driver does not allow.
    package func resolve(
        _ text: ByteString
    ) throws(LookupTrouble) -> (type: LookupType, driver: any LookupDriver) {
        guard let type = LookupType(text) else {
            let isPartial = text.starts(with: ByteString("partial"))
            throw LookupTrouble("\(isPartial ? "format error in" : "unknown") lookup type \"\(text)\"")
        }
        guard let driver = drivers[type.name] else {
            throw LookupTrouble("unknown lookup type \"\(type.name)\"")
        }
        guard driver.style == .query else { return (type, driver) }
        if type.partial != nil {
            throw LookupTrouble("\"partial\" is not permitted for lookup type \"\(type.name)\"")
        }
        guard type.fallback == .none else {
            let stars: ByteString = type.fallback == .star ? "*" : "*@"
            throw LookupTrouble(
                "defaults using \"*\" or \"*@\" are not permitted for lookup type \"\(type.name)\(stars)\"")
        }
        return (type, driver)
    }

    /// Looks a key up with all that the type says about partial keys and defaults (manual, sections 9.6, 9.7).
    package func search(
        _ type: LookupType, _ driver: any LookupDriver, _ request: LookupRequest
    ) async -> LookupAnswer {
        var request = request
        request.options = type.options
        guard driver.style == .singleKey else { return LookupAnswer(await driver.find(request)) }
        var answer = await searchOneKey(type, driver, request)
        if case .found = answer.outcome, request.option("ret") == "key" {
            answer.outcome = .found(request.key)
        }
        return answer
    }

    private func searchOneKey(
        _ type: LookupType, _ driver: any LookupDriver, _ request: LookupRequest
    ) async -> LookupAnswer {
        var request = request
        let key = request.key
        let outcome = key.isEmpty ? .notFound : await driver.find(request)
        guard outcome == .notFound else {
            return type.partial == nil ? LookupAnswer(outcome) : LookupAnswer(outcome, wild: "", fixed: key)
        }
        if let partial = type.partial {
            let answer = await searchPartially(partial, driver, request)
            guard answer.outcome == .notFound else { return answer }
        }
        for other in fallbackKeys(type, for: key) {
            request.key = other
            let outcome = await driver.find(request)
            guard outcome == .notFound else {
                return LookupAnswer(outcome, wild: key, fixed: "")
            }
        }
        return LookupAnswer(.notFound)
    }

    private func fallbackKeys(_ type: LookupType, for key: ByteString) -> [ByteString] {
        switch type.fallback {
        case .none: []
        case .star: ["*"]
        case .starAt:
            if let parts = key.cutAtLast(UInt8(ascii: "@")), !parts.before.isEmpty {
                ["*@\(parts.after)", "*"]
            } else {
                ["*"]
            }
        }
    }

    private func searchPartially(
        _ partial: LookupType.Partial, _ driver: any LookupDriver, _ request: LookupRequest
    ) async -> LookupAnswer {
        var request = request
        let key = request.key
        var start = 0
        var remaining = key.count { $0 == UInt8(ascii: ".") } + 1
        // The whole key is tried with the affix however short it is.
        while start == 0 || remaining >= max(partial.leastComponents, 1) {
            let fixed = ByteString(key[start...])
            if start > 0 || !partial.affix.isEmpty {
                request.key = partial.affix + fixed
                let outcome = await driver.find(request)
                guard outcome == .notFound else {
                    return LookupAnswer(outcome, wild: ByteString(key[0..<max(start - 1, 0)]), fixed: fixed)
                }
            }
            guard let dot = key[start...].firstIndex(of: UInt8(ascii: ".")) else { break }
            start = dot + 1
            remaining -= 1
        }
        guard partial.leastComponents == 0 else { return LookupAnswer(.notFound) }
        request.key =
            partial.affix.last == UInt8(ascii: ".") ? ByteString(partial.affix.dropLast()) : partial.affix
        guard !request.key.isEmpty else { return LookupAnswer(.notFound) }
        return LookupAnswer(await driver.find(request), wild: key, fixed: ByteString())
    }
}
