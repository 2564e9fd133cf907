import Bytes
import MailText

extension Variables {
    static let message: [ByteString: Reader] = [
        "message_exim_id": { facts, _ in clean(facts.message.id) },
        "message_id": { facts, _ in clean(facts.message.id) },
        "sender_address": { facts, _ in tainted(facts.message.sender) },
        "sender_address_local_part": { facts, _ in
            tainted(facts.message.sender.map { EmailAddress($0).localPart })
        },
        "sender_address_domain": { facts, _ in tainted(facts.message.sender.map { EmailAddress($0).domain })
        },
        "sender_address_data": { facts, _ in facts.message.senderAddressData },
        "sender_data": { facts, _ in facts.message.senderData },
        "recipient_data": { facts, _ in facts.message.recipientData },
        "recipients": { facts, _ in tainted(facts.message.recipients.joined(separator: ", ")) },
        "recipients_list": { facts, _ in tainted(list(facts.message.recipients)) },
        "recipients_count": { facts, _ in number(facts.message.recipientsCount) },
        "received_time": { facts, _ in number(facts.message.receivedTime?.seconds ?? 0) },
        "received_for": { facts, _ in tainted(facts.message.receivedFor) },
        "received_count": { facts, _ in number(receivedCount(facts)) },
        "message_age": { facts, environment in
            number(facts.message.receivedTime.map { max(environment.now().seconds - $0.seconds, 0) } ?? 0)
        },
        "message_size": { facts, _ in number(facts.message.size) },
        "message_body_size": { facts, _ in number(facts.message.bodySize) },
        "message_linecount": { facts, _ in number(facts.message.lineCount) },
        "body_linecount": { facts, _ in number(facts.message.bodyLineCount) },
        "body_zerocount": { facts, _ in number(facts.message.bodyZeroCount) },
        "max_received_linelength": { facts, _ in number(facts.message.maxReceivedLineLength) },
        "message_smtputf8": { facts, _ in yes(facts.message.isSMTPUTF8) },
        "originator_uid": { facts, _ in number(facts.message.originatorUID ?? 0) },
        "originator_gid": { facts, _ in number(facts.message.originatorGID ?? 0) },
        "caller_uid": { facts, _ in number(facts.message.callerUID ?? facts.message.originatorUID ?? 0) },
        "caller_gid": { facts, _ in number(facts.message.callerGID ?? facts.message.originatorGID ?? 0) },
        "queue_name": { facts, _ in clean(facts.message.queueName) },
        "return_path": { facts, _ in tainted(facts.message.returnPath ?? facts.message.sender) },
        "rcpt_count": { facts, _ in number(facts.message.rcptCount) },
        "rcpt_defer_count": { facts, _ in number(facts.message.rcptDeferCount) },
        "rcpt_fail_count": { facts, _ in number(facts.message.rcptFailCount) },
        "local_scan_data": { facts, _ in clean(facts.message.localScanData) },
        "headers_added": { facts, _ in tainted(facts.message.headersAdded) },
        "acl_verify_message": { facts, _ in facts.message.verifyMessage },
        "sender_verify_failure": { facts, _ in clean(facts.message.senderVerifyFailure) },
        "recipient_verify_failure": { facts, _ in clean(facts.message.recipientVerifyFailure) },
        "bounce_recipient": { facts, _ in tainted(facts.message.bounceRecipient) },
        "warn_message_delay": { facts, _ in clean(facts.message.warningDelay) },
        "warn_message_recipients": { facts, _ in tainted(facts.message.warningRecipients) },
    ]

    private static func list(_ items: [ByteString]) -> ByteString {
        var output = ListOutput(separator: UInt8(ascii: ":"))
        for item in items { output.add(TaintedBytes(item)) }
        return output.value.bytes
    }

    private static func receivedCount(_ facts: Facts) -> Int {
        facts.message.headers.count {
            $0.type != UInt8(ascii: "*") && $0.text.startsIgnoringCase(with: ByteString("received:"))
        }
    }

    static let address: [ByteString: Reader] = [
        "local_part": { facts, _ in facts.address.localPart },
        "local_part_data": { facts, _ in facts.address.localPartData },
        "local_part_prefix": { facts, _ in facts.address.localPartPrefix },
        "local_part_prefix_v": { facts, _ in facts.address.localPartPrefixVariable },
        "local_part_suffix": { facts, _ in facts.address.localPartSuffix },
        "local_part_suffix_v": { facts, _ in facts.address.localPartSuffixVariable },
        "local_part_verified": { facts, _ in facts.address.localPartVerified },
        "domain": { facts, _ in facts.address.domain },
        "domain_data": { facts, _ in facts.address.domainData },
        "original_local_part": { facts, _ in facts.address.originalLocalPart },
        "original_domain": { facts, _ in facts.address.originalDomain },
        "parent_local_part": { facts, _ in facts.address.parentLocalPart },
        "parent_domain": { facts, _ in facts.address.parentDomain },
        "router_name": { facts, _ in clean(facts.address.routerName) },
        "transport_name": { facts, _ in clean(facts.address.transportName) },
        "address_data": { facts, _ in facts.address.addressData },
        "address_file": { facts, _ in facts.address.addressFile },
        "address_pipe": { facts, _ in facts.address.addressPipe },
        "pipe_addresses": { facts, _ in facts.address.pipeAddresses },
        "home": { facts, _ in facts.address.home },
        "host": { facts, _ in facts.address.host },
        "host_address": { facts, _ in clean(facts.address.hostAddress?.text) },
        "lookup_dnssec_authenticated": { facts, _ in clean(facts.address.hostDNSSEC) },
        "host_port": { facts, _ in number(facts.address.hostPort ?? 0) },
        "host_data": { facts, _ in facts.address.hostData },
        "local_user_uid": { facts, _ in number(facts.address.localUserUID ?? Int(UInt32.max)) },
        "local_user_gid": { facts, _ in number(facts.address.localUserGID ?? Int(UInt32.max)) },
        "self_hostname": { facts, _ in clean(facts.address.selfHostName) },
        "verify_mode": { facts, _ in clean(facts.address.verifyMode) },
        "inode": { facts, _ in number(facts.address.inode ?? 0) },
    ]
}
