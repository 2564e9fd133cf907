import Bytes
import CUnbound
import Dispatch
import Glibc

/// What libunbound said, copied out of its memory.
struct UnboundResult: Sendable {
    var rdata: [ByteString]
    var canonicalName: ByteString
    var responseCode: Int
    var secure: Bool
    /// Why validation failed; nil unless it did.
    var bogus: ByteString?
    var timeToLive: Int

    var isTrouble: Bool { bogus != nil || (responseCode != 0 && responseCode != 3) }
}

/// How a question to libunbound ended.
enum UnboundReply: Sendable {
    case result(UnboundResult)
    case timedOut
    case cancelled
    case error(ByteString)
}

/// Wraps one libunbound context, which works in a thread of its own; answers are taken up on `queue`.
///
/// `@unchecked Sendable`: libunbound locks its context itself (its functions may be called from any thread);
/// the pointer is set once, and freed on `queue` when no question is open.
@safe final class Unbound: @unchecked Sendable {
    private let context: OpaquePointer
    private let queue = DispatchQueue(label: "dns.unbound")
    private let source: any DispatchSourceRead

    init(_ settings: ResolverSettings) throws(ResolverError) {
        guard let made = unsafe ub_ctx_create() else {
            throw ResolverError(setting: "libunbound", reason: "no context: out of memory")
        }
        do throws(ResolverError) {
            try unsafe UnboundConfiguration(context: made).apply(settings)
        } catch {
            unsafe ub_ctx_delete(made)
            throw error
        }
        unsafe context = made
        source = DispatchSource.makeReadSource(fileDescriptor: unsafe ub_fd(made), queue: queue)
        let address = UInt(bitPattern: made)
        source.setEventHandler {
            guard let context = unsafe OpaquePointer(bitPattern: address) else { return }
            _ = unsafe ub_process(context)
        }
        source.setCancelHandler {
            guard let context = unsafe OpaquePointer(bitPattern: address) else { return }
            unsafe ub_ctx_delete(context)
        }
        source.activate()
    }

    /// Ends the context.
    ///
    /// No one waits for a question then, since each wait keeps its resolver alive.
    func close() { source.cancel() }

    /// Asks one question and waits for its end.
    ///
    /// After the time limit or a cancellation libunbound goes on; its answer then only fills the cache.
    func ask(_ name: ByteString, type: RecordType, timeLimit: Duration) async -> UnboundReply {
        let question = Question()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard question.begin(continuation) else { return continuation.resume(returning: .cancelled) }
                start(question, name: name, type: type)
                queue.asyncAfter(deadline: .now() + timeLimit.dispatchInterval) { [weak question] in
                    question?.end(.timedOut)
                }
            }
        } onCancel: {
            question.end(.cancelled)
        }
    }

    private func start(_ question: Question, name: ByteString, type: RecordType) {
        let retained = unsafe Unmanaged.passRetained(question)
        let refusal = unsafe ub_resolve_async(
            context, name.string, CInt(type.rawValue), 1, retained.toOpaque(), questionAnswered, nil)
        if refusal != 0 {
            unsafe retained.release()
            question.end(.error(unboundMessage(refusal)))
        }
    }
}

extension Duration {
    /// The duration for a Dispatch deadline, to the millisecond.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        let (product, over) = seconds.multipliedReportingOverflow(by: 1000)
        let whole = over ? Int64.max / 2 : product
        return .milliseconds(Int(clamping: whole + attoseconds / 1_000_000_000_000_000))
    }
}

/// What libunbound calls on the queue, once for each question; frees the result and the retained question.
private func questionAnswered(
    _ retained: UnsafeMutableRawPointer?, _ error: CInt, _ result: UnsafeMutablePointer<ub_result>?
) {
    guard let retained = unsafe retained else { return }
    let question = unsafe Unmanaged<Question>.fromOpaque(retained).takeRetainedValue()
    guard error == 0, let result = unsafe result else {
        return question.end(.error(unboundMessage(error)))
    }
    question.end(.result(unsafe copied(result)))
    unsafe ub_resolve_free(result)
}

/// Copies a result; libunbound promises as many lengths as there are data before the final null.
private func copied(_ result: UnsafeMutablePointer<ub_result>) -> UnboundResult {
    var rdata: [ByteString] = []
    if unsafe result.pointee.havedata != 0, let data = unsafe result.pointee.data,
        let lengths = unsafe result.pointee.len
    {
        while let item = unsafe data[rdata.count], rdata.count < 65_535 {
            let octets = unsafe UnsafeRawBufferPointer(start: item, count: Int(max(lengths[rdata.count], 0)))
            rdata.append(unsafe ByteString(Array(octets)))
        }
    }
    let why = unsafe octets(result.pointee.why_bogus)
    return UnboundResult(
        rdata: rdata, canonicalName: unsafe octets(result.pointee.canonname) ?? "",
        responseCode: unsafe Int(result.pointee.rcode), secure: unsafe result.pointee.secure != 0,
        bogus: unsafe result.pointee.bogus != 0 ? why ?? "no reason given" : nil,
        timeToLive: unsafe Int(max(result.pointee.ttl, 0)))
}

private func octets(_ pointer: UnsafePointer<CChar>?) -> ByteString? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe ByteString(Array(UnsafeRawBufferPointer(start: pointer, count: strlen(pointer))))
}

private func unboundMessage(_ code: CInt) -> ByteString {
    unsafe octets(ub_strerror(code)) ?? "error \(code)"
}

/// Sets a context up; nothing can be set after the first question.
@safe private struct UnboundConfiguration {
    let context: OpaquePointer

    /// Special-use names that libunbound would answer by itself, although a laboratory's servers may know them.
    private static let openedZones: [ByteString] = ["test.", "home.arpa."]

    func apply(_ settings: ResolverSettings) throws(ResolverError) {
        unsafe ub_ctx_debugout(context, nil)
        try check("thread", unsafe ub_ctx_async(context, 1))
        let size = String(max(settings.cacheSize, 1 << 16))
        var options = [
            ("do-not-query-localhost:", "no"), ("unblock-lan-zones:", "yes"), ("msg-cache-size:", size),
            ("rrset-cache-size:", size), ("outgoing-range:", "256"), ("num-queries-per-thread:", "1024"),
            ("outgoing-num-tcp:", "32"), ("tcp-upstream:", settings.tcp ? "yes" : "no"),
        ]
        options += settings.insecureDomains.map { ("domain-insecure:", $0.string) }
        for (name, value) in options {
            try check(
                ByteString("\(name) \(value)"), unsafe ub_ctx_set_option(context, name, value))
        }
        try apply(settings.anchors)
        try apply(settings.servers)
        for zone in Self.openedZones {
            try check(zone, unsafe ub_ctx_zone_remove(context, zone.string))
        }
        if let hosts = settings.hostsFile { try addHosts(hosts) }
    }

    /// Adds a file of hosts after the zones were opened: `ub_ctx_hosts` would lose the names in those zones.
    private func addHosts(_ path: ByteString) throws(ResolverError) {
        guard let file = unsafe fopen(path.string, "re") else {
            throw ResolverError(setting: path, reason: "not readable: \(systemReason(errno))")
        }
        defer { unsafe fclose(file) }
        var content = [UInt8](repeating: 0, count: HostsFile.longest)
        let length = unsafe fread(&content, 1, HostsFile.longest, file)
        guard length < HostsFile.longest else {
            throw ResolverError(setting: path, reason: "longer than \(HostsFile.longest) octets; shorten it")
        }
        for entry in HostsFile.entries(of: ByteString(content.prefix(length))) {
            let family: ByteString = entry.address.isV6 ? "AAAA" : "A"
            let record: ByteString = "\(entry.name) IN \(family) \(entry.address.text)"
            try check(record, unsafe ub_ctx_data_add(context, record.string))
        }
    }

    private func apply(_ anchors: ResolverSettings.Anchors) throws(ResolverError) {
        switch anchors {
        case .root, .rootWherePossible: try anchorFile(ResolverSettings.rootAnchorFile)
        case .file(let path): try anchorFile(path)
        case .records(let records):
            for record in records { try check(record, unsafe ub_ctx_add_ta(context, record.string)) }
        case .none:
            try check("module-config", unsafe ub_ctx_set_option(context, "module-config:", "iterator"))
        }
    }

    private func anchorFile(_ path: ByteString) throws(ResolverError) {
        guard unsafe access(path.string, R_OK) == 0 else {
            throw ResolverError(
                setting: path,
                reason:
                    "trust anchor not readable (\(systemReason(errno))); install dns-root-data, or name a file"
            )
        }
        try check(path, unsafe ub_ctx_add_ta_file(context, path.string))
    }

    private func apply(_ servers: ResolverSettings.Servers) throws(ResolverError) {
        switch servers {
        case .recurse: return
        case .resolvConf(let path):
            guard unsafe access(path.string, R_OK) == 0 else {
                throw ResolverError(setting: path, reason: "not readable: \(systemReason(errno))")
            }
            try check(path, unsafe ub_ctx_resolvconf(context, path.string))
        case .forward(let addresses):
            for address in addresses { try check(address, unsafe ub_ctx_set_fwd(context, address.string)) }
        }
    }

    private func check(_ setting: ByteString, _ code: CInt) throws(ResolverError) {
        guard code != 0 else { return }
        throw ResolverError(setting: setting, reason: unboundMessage(code))
    }

    private func systemReason(_ code: CInt) -> ByteString {
        unsafe octets(strerror(code)) ?? "errno \(code)"
    }
}
