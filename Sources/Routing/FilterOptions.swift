import Bytes
import Configuration
import Expansion
import Filter

/// The options of a redirect router that bear on filters (manual, section 22.10).
struct FilterOptions: Sendable {
    let isAllowed: Bool
    let allowsFreeze: Bool
    let prependsHome: Bool
    let forbidsExim: Bool
    let forbidsSieve: Bool
    let forbidsReply: Bool
    let forbidsLog: Bool
    /// What expansions may not do.
    let forbidden: ForbiddenItems

    init(_ block: OptionBlock, isOneTime: Bool) {
        isAllowed = block.flag("allow_filter") ?? false
        allowsFreeze = block.flag("allow_freeze") ?? false
        prependsHome = block.flag("filter_prepend_home") ?? true
        forbidsExim = block.flag("forbid_exim_filter") ?? false
        forbidsSieve = block.flag("forbid_sieve_filter") ?? false
        forbidsReply = isOneTime || (block.flag("forbid_filter_reply") ?? false)
        forbidsLog = block.flag("forbid_filter_logwrite") ?? false
        let items: [(ByteString, ForbiddenItems)] = [
            ("forbid_filter_dlfunc", .dlfunc), ("forbid_filter_existstest", .exists),
            ("forbid_filter_lookup", .lookup), ("forbid_filter_perl", .perl),
            ("forbid_filter_readfile", .readfile), ("forbid_filter_readsocket", .readsocket),
            ("forbid_filter_run", .run),
        ]
        forbidden = items.reduce(into: []) { if block.flag($1.0) ?? false { $0.insert($1.1) } }
    }
}
