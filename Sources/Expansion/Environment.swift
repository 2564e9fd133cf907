package import Bytes
package import Lookups

/// What an ACL answered to an `${acl}` item or an `acl` condition.
package enum ACLAnswer: Sendable, Hashable {
    /// Accepted, with the text of its `message`.
    case accepted(TaintedBytes?)
    /// Denied, with the text of its `message`.
    case denied(TaintedBytes?)
    /// Deferred: the expansion fails by force.
    case deferred
    /// It could not be run, or decided what an expansion cannot obey; Exim's name for that, such as `ERROR`.
    case failed(ByteString)
}

/// An ACL that an expansion runs.
package struct ACLCall: Sendable {
    /// The ACL's name, or its statements, or the file that holds them.
    package var name: ByteString
    /// The facts; `extra` holds `acl_arg1` and so on.
    package var facts: Facts
    /// Who asks: the ACL's own strings are expanded by it.
    package var expander: Expander
}

/// What came of an ACL that an expansion ran.
package struct ACLCallResult: Sendable {
    /// The verdict.
    package var answer: ACLAnswer
    /// The facts with the variables that the ACL has set.
    package var facts: Facts

    /// Makes the value.
    package init(_ answer: ACLAnswer, _ facts: Facts) {
        self.answer = answer
        self.facts = facts
    }
}

/// What a program that `${run}` started left behind.
package struct ProgramOutcome: Sendable, Hashable {
    /// What it wrote on its standard output and standard error.
    package var output: ByteString
    /// Its exit status; 127 when it could not be run, 256 plus the signal when it was killed.
    package var status: Int

    /// Makes the value.
    package init(output: ByteString, status: Int) {
        self.output = output
        self.status = status
    }
}

/// A mail exchanger of a domain, as `@mx_any` and its relatives want to know them.
package struct MailExchanger: Sendable, Hashable {
    /// The lower, the more wanted.
    package var preference: Int
    /// The host's name.
    package var name: ByteString
    /// The host's addresses.
    package var addresses: [IPAddress]

    /// Makes the value.
    package init(preference: Int, name: ByteString, addresses: [IPAddress]) {
        self.preference = preference
        self.name = name
        self.addresses = addresses
    }
}

/// What the resolver knows about a domain's mail exchangers.
package enum MailExchangerLookup: Sendable, Hashable {
    /// Those published, or the domain's own host when it publishes none.
    case found([MailExchanger])
    /// The domain takes no mail by the resolver's word.
    case notFound
    /// The resolver could not tell.
    case deferred(ByteString)
}

/// Expansion features that a user's own files may not use (the redirect router's `forbid_filter_...`).
package struct ForbiddenItems: OptionSet, Sendable, Hashable {
    /// The bits.
    package let rawValue: Int

    /// Makes a set of its bits.
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The item `${lookup`.
    package static let lookup = ForbiddenItems(rawValue: 1)
    /// The item `${run`.
    package static let run = ForbiddenItems(rawValue: 2)
    /// The item `${readfile`.
    package static let readfile = ForbiddenItems(rawValue: 4)
    /// The item `${readsocket`.
    package static let readsocket = ForbiddenItems(rawValue: 8)
    /// The `exists` condition and the `stat` operator.
    package static let exists = ForbiddenItems(rawValue: 16)
    /// The item `${dlfunc`.
    package static let dlfunc = ForbiddenItems(rawValue: 32)
    /// The item `${perl`.
    package static let perl = ForbiddenItems(rawValue: 64)
}

/// The lists that the configuration names: `domainlist`, `hostlist`, `addresslist`, `localpartlist`.
package struct NamedLists: Sendable {
    /// Domain lists, by name without `+`.
    package var domain: [ByteString: ListText] = [:]
    /// Host lists.
    package var host: [ByteString: ListText] = [:]
    /// Address lists.
    package var address: [ByteString: ListText] = [:]
    /// Local part lists.
    package var localPart: [ByteString: ListText] = [:]

    /// No lists.
    package init() {}
}

/// Settings that variables show and operators use; each is Exim's option of that name.
package struct ExpansionSettings: Sendable, Hashable {
    /// The value of `$primary_hostname`.
    package var primaryHostName: ByteString = "localhost"
    /// The value of `$qualify_domain`.
    package var qualifyDomain: ByteString = "localhost"
    /// The value of `$qualify_recipient`.
    package var qualifyRecipient: ByteString = "localhost"
    /// The value of `$spool_directory`.
    package var spoolDirectory: ByteString = "/var/spool/exim4"
    /// Where logs are kept, for `$log_space` and `$log_inodes`.
    package var logDirectory: ByteString = "/var/log/exim4"
    /// The value of `$version_number` and `$exim_version`.
    package var version: ByteString = "4.96"
    /// The value of `$compile_number`.
    package var compileNumber = 1
    /// The value of `$compile_date`.
    package var compileDate: ByteString = ""
    /// The value of `$exim_path`.
    package var eximPath: ByteString = "/usr/sbin/exim4"
    /// The value of `$exim_uid`.
    package var eximUID = 0
    /// The value of `$exim_gid`.
    package var eximGID = 0
    /// The value of `$config_file`.
    package var configFile: ByteString = ""
    /// The value of `$localhost_number`.
    package var localhostNumber: Int?
    /// The value of `$initial_cwd`.
    package var initialDirectory: ByteString = "/"
    /// `strict_acl_vars`: an ACL variable that is not set is an error.
    package var strictACLVariables = false
    /// The option `headers_charset`.
    package var headersCharset: ByteString = "UTF-8"
    /// The option `check_rfc2047_length`.
    package var checkRFC2047Length = true
    /// The option `message_body_visible`.
    package var messageBodyVisible = 500
    /// The option `message_body_newlines`.
    package var messageBodyNewlines = false
    /// The option `print_topbitchars`.
    package var printTopBitChars = false
    /// The option `bounce_return_size_limit`.
    package var bounceReturnSizeLimit = 100 * 1024
    /// `host_lookup_order` and `hosts_treat_as_local` are the resolver closures' matter; this is
    /// `strip_excess_angle_brackets`, which address operators regard.
    package var stripExcessAngleBrackets = false
    /// The option `allow_domain_literals`.
    package var allowDomainLiterals = false
    /// The option `spf_guess`.
    package var spfGuess: ByteString = "v=spf1 a/24 mx/24 ptr ?all"
    /// `log_ports`, the log selectors `incoming_port` in `$sender_fullhost` and `$sender_rcvhost`.
    package var showsPortInHostText = false
    /// Whether log lines name our own end of a connection (`+incoming_interface`).
    package var showsInterface = false

    /// Exim's defaults.
    package init() {}
}

/// What an expansion may ask of the world.
package struct Environment: Sendable {
    /// Plain settings.
    package var settings = ExpansionSettings()
    /// The configuration's named lists.
    package var namedLists = NamedLists()
    /// Files and databases.
    package var lookups = LookupDrivers([:])
    /// Regular expressions that have been compiled.
    let patterns = PatternCache()
    /// What this expansion may not do.
    package var forbidden: ForbiddenItems = []
    /// Our own addresses, for `@[]`.
    package var localInterfaces: @Sendable () -> [IPAddress] = { [] }
    /// Names of an address that lead back to it.
    package var namesOfAddress: @Sendable (IPAddress) async -> NameLookup = { _ in .notFound }
    /// Addresses of a name.
    package var addressesOfHost: @Sendable (ByteString) async -> AddressLookup = { _ in .notFound }
    /// Mail exchangers of a domain.
    package var mailExchangers: @Sendable (ByteString) async -> MailExchangerLookup = { _ in .notFound }
    /// Hears that a name was wanted for the peer, or an address for a name of a host list, and there is none (log selector
    /// `host_lookup_failed`).
    package var noteNameless: @Sendable (_ line: ByteString, _ messageID: ByteString?) -> Void = { _, _ in }
    /// Hears that a list does not match since a host's name or address could not be found (log selector `unknown_in_list`).
    package var noteUnknown: @Sendable (ByteString) -> Void = { _ in }
    /// Runs an ACL for an `${acl}` item or an `acl` condition.
    package var callACL: @Sendable (ACLCall) async -> ACLCallResult = { call in
        ACLCallResult(.failed("ERROR"), call.facts)
    }
    /// Runs a program; nil means that programs cannot be run here.
    package var runProgram: (@Sendable (_ arguments: [ByteString]) async -> ProgramOutcome)?
    /// Asks a server for `${readsocket}`; nil means that sockets cannot be read here.
    package var readSocket: (@Sendable (SocketRequest) async -> SocketAnswer)?
    /// Opens a socket of this machine to talk with a server in lines; nil means that there is no way to.
    package var openSocket:
        (@Sendable (_ path: ByteString) async -> Result<any LineConnection, SocketTrouble>)?
    /// The time, in seconds and microseconds since the epoch.
    package var now: @Sendable () -> (seconds: Int64, microseconds: Int) = EximTime.now
    /// Seconds that local time is ahead of UTC at a time.
    package var zoneOffset: @Sendable (Int64) -> Int = EximTime.localOffset
    /// What local time is called at a time.
    package var zoneName: @Sendable (Int64) -> ByteString = EximTime.localName
    /// The octets with those that do not print escaped, as `print_topbitchars` says.
    package func shown(_ octets: ByteString, tabPrints: Bool = false) -> ByteString {
        octets.escapingUnprintable(topBitPrints: settings.printTopBitChars, tabPrints: tabPrints)
    }

    var zone: LocalZone { LocalZone(offset: zoneOffset, name: zoneName) }
    /// A number from 0 up to, not including, the limit.
    package var random: @Sendable (_ limit: UInt32) -> UInt32 = { UInt32.random(in: 0..<max($0, 1)) }
    /// The value of a process environment variable.
    package var processEnvironment: @Sendable (ByteString) -> ByteString? = { _ in nil }
    /// The number of messages in the queue, for `$queue_size`.
    package var queueSize: @Sendable () async -> Int = { 0 }

    /// An environment that knows only the clock.
    package init() {}
}
