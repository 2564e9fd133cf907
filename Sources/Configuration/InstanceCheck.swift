import Bytes

/// What must hold within one router or transport instance, whatever an address looks like; in Exim's words.
struct InstanceCheck {
    let block: OptionBlock

    func run() throws(ConfigurationError) {
        switch block.kind {
        case .router: try router()
        case .transport: try transport()
        case .authenticator, .main: break
        }
    }

    private func fail(_ problem: ByteString) throws(ConfigurationError) {
        throw ConfigurationError(problem, at: block.place)
    }

    private func isSet(_ option: ByteString) -> Bool { block.values[option] != nil }

    private func isOn(_ option: ByteString) -> Bool { block.values[option]?.value == .flag(true) }

    private func isOff(_ option: ByteString) -> Bool { block.values[option]?.value == .flag(false) }

    // MARK: Routers

    private func router() throws(ConfigurationError) {
        let name = block.name
        if block.driver == "redirect" {
            if isSet("file"), isSet("data") { try fail("only one of \"file\" or \"data\" must be specified") }
            if !isSet("file"), !isSet("data") { try fail("one of \"file\" or \"data\" must be specified") }
            return
        }
        try checkSelf()
        if !isSet("transport"), !isOn("verify_only"), block.driver != "queryprogram" {
            try fail("\(name) router:\n  a transport is required for this router")
        }
        if block.driver == "manualroute", isSet("route_list") == isSet("route_data") {
            try fail("route_list or route_data (but not both) must be specified")
        }
    }

    /// `self` is a word out of a few, or `reroute: domain`.
    private func checkSelf() throws(ConfigurationError) {
        guard let rule = block.values["self"]?.source.lowercasedASCII() else { return }
        let words: [ByteString] = ["freeze", "defer", "send", "pass", "fail"]
        guard words.contains(rule) || rule.starts(with: ByteString("reroute:")) else {
            return try fail("\(block.values["self"]?.source ?? "") is not valid for the self option")
        }
    }

    /// The routers that are named must be there.
    static func crossing(_ routers: [OptionBlock]) throws(ConfigurationError) {
        let names = Dictionary(
            routers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for (place, router) in routers.enumerated() {
            // Going back could go on without end.
            if let setting = router.values["pass_router"], let next = names[setting.source], next <= place {
                throw ConfigurationError(
                    "new_router \"\(setting.source)\" does not follow \"\(router.name)\" router",
                    at: setting.place)
            }
            for option in ["pass_router", "redirect_router"] as [ByteString] {
                guard let setting = router.values[option], names[setting.source] == nil else { continue }
                throw ConfigurationError(
                    "new_router \"\(setting.source)\" not found for \"\(router.name)\" router",
                    at: setting.place)
            }
        }
    }

    // MARK: Transports

    private func transport() throws(ConfigurationError) {
        let name = block.name
        if isOn("body_only"), isOn("headers_only") {
            try fail("\(name) transport: body_only and headers_only are mutually exclusive")
        }
        switch block.driver {
        case "appendfile":
            try appendfile()
        case "pipe":
            if isOn("return_output"), isOn("return_fail_output") {
                try fail("both return_output and return_fail_output set for \(name) transport")
            }
        case "lmtp":
            if isSet("command") == isSet("socket") {
                try fail(
                    "one (and only one) of command or socket must be set for the \(name) transport")
            }
        default: break
        }
    }

    private func appendfile() throws(ConfigurationError) {
        if isSet("file"), isSet("directory") {
            try fail("only one of \"file\" or \"directory\" can be specified")
        }
        if let limit = block.values["quota_filecount"]?.source, limit != "0" {
            if !isSet("directory") { try fail("quota_filecount must not be set without \"directory\"") }
            if !isSet("quota") { try fail("quota must be set if quota_filecount is set") }
        }
        let usesFlock = isOn("use_flock_lock")
        if isSet("file"), !usesFlock, isOff("use_lockfile"), isOff("use_fcntl_lock") {
            try fail("no locking configured")
        }
        guard let place = block.values["create_file"]?.source, place.first != UInt8(ascii: "/"),
            !["anywhere", "belowhome", "inhome"].contains(place)
        else { return }
        try fail("invalid value given for \"create_file\" for the \(block.name) transport: '\(place)'")
    }
}
