package import Bytes

/// What is known about the address that is being checked, routed or delivered.
///
/// Every field reads as empty when nil. Values from outside are tainted, as in Exim.
package struct AddressFacts: Sendable {
    /// `$local_part`, without affixes, lower-cased unless the router says otherwise.
    package var localPart: TaintedBytes?
    /// `$domain`, lower-cased.
    package var domain: TaintedBytes?
    /// `$local_part_data`
    package var localPartData: TaintedBytes?
    /// `$domain_data`
    package var domainData: TaintedBytes?
    /// `$local_part_prefix`
    package var localPartPrefix: TaintedBytes?
    /// `$local_part_prefix_v`
    package var localPartPrefixVariable: TaintedBytes?
    /// `$local_part_suffix`
    package var localPartSuffix: TaintedBytes?
    /// `$local_part_suffix_v`
    package var localPartSuffixVariable: TaintedBytes?
    /// `$local_part_verified`, an old name for the de-tainted local part.
    package var localPartVerified: TaintedBytes?
    /// `$original_local_part`
    package var originalLocalPart: TaintedBytes?
    /// `$original_domain`
    package var originalDomain: TaintedBytes?
    /// `$parent_local_part`
    package var parentLocalPart: TaintedBytes?
    /// `$parent_domain`
    package var parentDomain: TaintedBytes?
    /// `$router_name`
    package var routerName: ByteString?
    /// `$transport_name`
    package var transportName: ByteString?
    /// `$address_data`
    package var addressData: TaintedBytes?
    /// Variables that a router's `set` option made: `r_foo` for `$r_foo`.
    package var routerVariables: [ByteString: TaintedBytes] = [:]
    /// `$address_file`
    package var addressFile: TaintedBytes?
    /// `$address_pipe`
    package var addressPipe: TaintedBytes?
    /// `$pipe_addresses`
    package var pipeAddresses: TaintedBytes?
    /// `$home`
    package var home: TaintedBytes?
    /// `$host`
    package var host: TaintedBytes?
    /// `$host_address`
    package var hostAddress: IPAddress?
    /// `$host_port`
    package var hostPort: Int?
    /// `$host_data`
    package var hostData: TaintedBytes?
    /// `$local_user_uid`
    package var localUserUID: Int?
    /// `$local_user_gid`
    package var localUserGID: Int?
    /// `$self_hostname`
    package var selfHostName: ByteString?
    /// `$verify_mode`: `S`, `R` or nothing.
    package var verifyMode: ByteString?
    /// `$inode`, while a maildir or mailstore file is being named.
    package var inode: UInt64?

    /// Knows nothing.
    package init() {}
}
