package import Bytes
package import Expansion
import Glibc
package import Hints
package import Routing
import SMTP

/// Why an address was not delivered.
package struct TransportTrouble: Error, Sendable, Hashable {
    /// The number in `defer (n)`: a system errno, or one of Exim's negative ones; 0 for none.
    package var errno: Int32
    /// The detail that retry rules look at (`EximErrno.more`).
    package var more: Int32 = 0
    /// The text for the log; empty when the errno says it all.
    package var text: ByteString
    /// What may be told to the sender; nil withholds it.
    package var userText: ByteString?
    /// Whether the message is to be frozen.
    package var freezes = false
    /// Whether the panic log tells of it too: the configuration is at fault.
    package var isPanic = false
    /// Whether it fails the address for good, where it is thrown.
    package var isFinal = false
    /// Whether an expansion was forced to fail.
    var isForced = false
    /// Whether a time limit of the transport's was exceeded.
    package var isTimeout = false
    /// What a command wrote that the sender is to see.
    package var output: ByteString?

    /// Makes a value.
    package init(_ text: ByteString, errno: Int32, userText: ByteString? = nil) {
        self.text = text
        self.errno = errno
        self.userText = userText
    }

    /// The same with the time since a mailbox was read, where a quota is exceeded (rules `quota_<time>`).
    func withAge(of time: Int64) -> TransportTrouble {
        var trouble = self
        if [-22, ENOSPC, EDQUOT].contains(errno) {
            trouble.more = Int32(clamping: System.moment().seconds - time)
        }
        return trouble
    }

    /// The same for the panic log too, since the configuration is at fault.
    var panicking: TransportTrouble {
        var trouble = self
        trouble.isPanic = true
        return trouble
    }
}

/// What became of an address.
package enum TransportVerdict: Sendable, Hashable {
    /// Delivered; what the peer said last, for `C=`.
    case delivered(confirmation: ByteString?)
    /// Not now.
    case deferred(TransportTrouble)
    /// Never.
    case failed(TransportTrouble)

    var isDelivered: Bool { if case .delivered = self { true } else { false } }
}

/// A change to the retry hints that a delivery asks for.
package struct RetryItem: Sendable, Equatable {
    /// What is to happen to the record.
    package enum Action: Sendable, Equatable {
        /// It works: the record goes.
        case delete
        /// It failed.
        case record(RetryError)
    }

    /// The record's key.
    package var key: RetryKey
    /// What is to happen.
    package var action: Action
    /// Whether the record is about a host.
    package var isHost: Bool
    /// Whether the record is about this message at a host.
    package var isMessage: Bool

    /// Makes an item.
    package init(_ key: RetryKey, _ action: Action, isHost: Bool = false, isMessage: Bool = false) {
        self.key = key
        self.action = action
        self.isHost = isHost
        self.isMessage = isMessage
    }
}

/// The host that an address went to, as the log shows it.
package struct UsedHost: Sendable, Hashable {
    /// Its name, address, MX.
    package var host: RouteHost
    /// The port.
    package var port: Int
    /// Whether the connection had served an earlier transaction.
    package var isContinued = false
    /// Our end: address and port.
    package var localAddress: IPAddress?
    /// The port of our end.
    package var localPort = 0
    /// The proxy that the connection goes through, where there is one.
    package var proxy: (address: IPAddress, port: Int)? {
        usedProxy.flatMap { $0.isConnected ? ($0.address, $0.port) : nil }
    }
    /// The proxy that was reached.
    var usedProxy: UsedProxy?
    /// Whether addresses beyond ASCII are turned into A-labels for it.
    var downconversion = Downconversion.never
    /// What TLS came to; nil in clear text.
    package var tls: TLSFacts?
    /// Whether pipelining was offered, and used.
    package var offersPipelining = false
    /// Whether pipelining was used.
    package var usedPipelining = false
    /// Whether the message went by BDAT.
    package var usedChunking = false
    /// Who the host knows us as; nil when we have not authenticated.
    package var identity: ClientIdentity?
    /// The authenticated sender that MAIL told the host.
    package var authenticatedSender: ByteString?

    /// Makes a value.
    package init(host: RouteHost, port: Int) {
        self.host = host
        self.port = port
    }

    /// Takes over how the connection stands, or stood.
    mutating func note(_ state: ConnectionState) {
        localAddress = state.local?.address
        localPort = state.local?.port ?? 0
        tls = state.tls
        usedProxy = state.proxy
    }

    /// What `$proxy_...` say once a delivery is over: the proxy, and no more of its other end.
    package var proxyFacts: ProxyFacts? {
        var facts = usedProxy?.facts
        facts?.externalAddress = nil
        facts?.externalPort = 0
        return facts
    }
}

/// What a transport tells of one address.
package struct TransportOutcome: Sendable {
    /// What became of it.
    package var verdict: TransportVerdict
    /// The host that decided; nil for local deliveries and for troubles that show none.
    package var host: UsedHost?
    /// Whether the address is the first of its transaction: `=>`, not `->`.
    package var isFirst = true
    /// What the retry hints shall learn.
    package var retries: [RetryItem] = []
    /// Whether a host was passed over, because it was not its time or by `hosts_max_try`: then it cannot time out.
    package var skippedHosts = false
    /// Hosts for which the message now waits (`wait-<transport>`).
    package var waitingHosts: [ByteString] = []
    /// Whether the peer knows DSN, so that a success report is its business.
    package var peerKnowsDSN = false
    /// The ids of messages that it has handed in.
    package var submitted: [ByteString] = []
    /// How long the delivery took, in microseconds.
    package var duration = 0
    /// What became of the shadow transport, where there was one.
    package var shadow: ShadowReport?
    /// The warning that is to follow it.
    var warning: QuotaWarning?
    /// The transport that did it in the place of the one that was asked (`file_format`).
    package var transport: ByteString?

    /// Makes an outcome.
    package init(_ verdict: TransportVerdict) { self.verdict = verdict }
}

/// A line that a transport has for the main log before its outcomes.
package struct TransportLogLine: Sendable, Hashable {
    /// The text after the id.
    package var text: ByteString
    /// Whether the panic log gets it too.
    package var isPanic = false
    /// For the line of a host that could not be used: the host; the text is then what follows it.
    package var host: UsedHost?
    /// The number that goes with the host's text.
    package var errno: Int32 = 0
    /// Whether it is for the message's own log only: what a host said to one recipient.
    package var isNote = false
    /// Whether the message's own log has it too.
    package var isNoted = true

    /// Makes a line.
    package init(_ text: ByteString, isPanic: Bool = false) {
        self.text = text
        self.isPanic = isPanic
    }
}
