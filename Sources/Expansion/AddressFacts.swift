package import Bytes

/// What is known about the address that is being checked, routed or delivered.
///
/// Every field reads as empty when nil. Values from outside are tainted, as in Exim.
package struct AddressFacts: Sendable {
    /// `$local_part`, without affixes, lower-cased unless the router says otherwise.
    package var localPart: TaintedBytes?
    /// `$domain`, lower-cased.
    package var domain: TaintedBytes?
    /// The value of `$local_part_data`.
    package var localPartData: TaintedBytes?
    /// The value of `$domain_data`.
    package var domainData: TaintedBytes?
    /// The value of `$local_part_prefix`.
    package var localPartPrefix: TaintedBytes?
    /// The value of `$local_part_prefix_v`.
    package var localPartPrefixVariable: TaintedBytes?
    /// The value of `$local_part_suffix`.
    package var localPartSuffix: TaintedBytes?
    /// The value of `$local_part_suffix_v`.
    package var localPartSuffixVariable: TaintedBytes?
    /// `$local_part_verified`, an old name for the de-tainted local part.
    package var localPartVerified: TaintedBytes?
    /// The value of `$original_local_part`.
    package var originalLocalPart: TaintedBytes?
    /// The value of `$original_domain`.
    package var originalDomain: TaintedBytes?
    /// The value of `$parent_local_part`.
    package var parentLocalPart: TaintedBytes?
    /// The value of `$parent_domain`.
    package var parentDomain: TaintedBytes?
    /// The value of `$router_name`.
    package var routerName: ByteString?
    /// The value of `$transport_name`.
    package var transportName: ByteString?
    /// The value of `$address_data`.
    package var addressData: TaintedBytes?
    /// Variables that a router's `set` option made: `r_foo` for `$r_foo`.
    package var routerVariables: [ByteString: TaintedBytes] = [:]
    /// The value of `$address_file`.
    package var addressFile: TaintedBytes?
    /// The value of `$address_pipe`.
    package var addressPipe: TaintedBytes?
    /// The value of `$pipe_addresses`.
    package var pipeAddresses: TaintedBytes?
    /// The value of `$home`.
    package var home: TaintedBytes?
    /// The value of `$host`.
    package var host: TaintedBytes?
    /// The value of `$host_address`.
    package var hostAddress: IPAddress?
    /// The value of `$lookup_dnssec_authenticated`, of the host.
    package var hostDNSSEC: ByteString?
    /// The value of `$host_port`.
    package var hostPort: Int?
    /// The value of `$host_data`.
    package var hostData: TaintedBytes?
    /// The value of `$local_user_uid`.
    package var localUserUID: Int?
    /// The value of `$local_user_gid`.
    package var localUserGID: Int?
    /// The value of `$self_hostname`.
    package var selfHostName: ByteString?
    /// `$verify_mode`: `S`, `R` or nothing.
    package var verifyMode: ByteString?
    /// `$inode`, while a maildir or mailstore file is being named.
    package var inode: UInt64?

    /// Knows nothing.
    package init() {}
}
