import Bytes
import Spooler

/// A message as one line of JSON; doc/bobbin-queue.md lists the keys.
struct MessageRecord: Sendable {
    /// The present, in seconds since 1970.
    let now: Int64
    /// The named queue; empty for the default one.
    let queue: ByteString

    /// The object of a message, good or bad; nil when it is gone.
    func object(of id: MessageID, _ message: ReportedMessage) -> JSONObject? {
        var object = JSONObject()
        object.add("id", id.bytes)
        object.add("queue", queue)
        switch message {
        case .listed: preconditionFailure("JSON tells more than a listing: such reports read all")
        case .read(.message(let message)):
            addEnvelope(message.header, message.bodySize, to: &object)
        case .read(.malformed(let message)):
            if let envelope = message.envelope { addEnvelope(envelope, message.bodySize, to: &object) }
            object.add("error", ByteString(message.error.description))
        case .read(.gone): return nil
        case .unreadable(let error): object.add("error", ByteString(error.description))
        }
        return object
    }

    private func addEnvelope(_ header: HeaderFile, _ bodySize: Int?, to object: inout JSONObject) {
        object.add("received", header.receivedTime)
        object.add("age", now - header.receivedTime)
        object.add("size", Int64(bodySize.map { header.messageSize(bodySize: $0) } ?? 0))
        object.add("sender", header.sender)
        object.add("frozen", header.isFrozen)
        object.add("frozen_since", header.frozenSince.map { Int64($0) })
        object.add("has_body", bodySize != nil)
        object.add("recipients", header.recipients.map { Self.object(of: $0, header) })
    }

    private static func object(of recipient: Recipient, _ header: HeaderFile) -> JSONObject {
        var object = JSONObject()
        object.add("address", recipient.address)
        object.add("delivered", header.isDelivered(recipient))
        if !recipient.errorsTo.isEmpty { object.add("errors_to", recipient.errorsTo) }
        return object
    }

    /// The object with everything that the header file says besides: for `show`.
    func fullObject(of id: MessageID, _ message: ReportedMessage) -> JSONObject? {
        guard var object = object(of: id, message) else { return nil }
        guard case .read(.message(let stored)) = message else { return object }
        let header = stored.header
        object.add("login", header.login)
        object.add("uid", header.uid)
        object.add("gid", header.gid)
        object.add("warnings", header.warningCount)
        object.add("directory", stored.place.subdirectory.map { ByteString([$0]) } ?? "")
        object.add("non_recipients", header.nonRecipients.names)
        object.add("variables", header.variables.map(Self.object))
        object.add("headers", header.headers.map(Self.object))
        return object
    }

    private static func object(of variable: VariableLine) -> JSONObject {
        var object = JSONObject()
        object.add("name", ByteString(variable.name))
        object.add("value", variable.value.bytes)
        object.add("tainted", variable.value.taint.isTainted)
        return object
    }

    private static func object(of line: HeaderLine) -> JSONObject {
        var object = JSONObject()
        object.add("type", ByteString([line.type]))
        object.add("deleted", line.isDeleted)
        object.add("text", line.text)
        return object
    }
}
