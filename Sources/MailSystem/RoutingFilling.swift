import Bytes
import Configuration
import DNS
import Expansion
import Routing

/// Makes the routers of a configuration, and the rewriting rules that they and reception use.
struct RoutingFilling {
    let configuration: Configuration
    let settings: Settings
    let expander: Expander
    let resolver: any NameResolver

    func rewriter() -> Rewriter {
        Rewriter(configuration.rewriteRules, expander: expander, qualifyRecipient: settings.qualifyRecipient)
    }

    func router(_ rewriter: Rewriter) throws(StartError) -> AddressRouter {
        let isRemote = configuration.transports.mapValues { $0.driver == "smtp" }
        var environment = RoutingEnvironment(
            expander: expander, resolver: resolver, transportIsRemote: isRemote)
        environment.rewriter = rewriter.isEmpty ? nil : rewriter
        environment.primaryHostName = settings.primaryHostName
        environment.qualifyRecipient = settings.qualifyRecipient
        environment.ask = { await ProgramRunning.ask($0) }
        let main = configuration.main
        environment.hostsTreatedAsLocal = main.list("hosts_treat_as_local")
        environment.disablesIPv6 = main.flag("disable_ipv6") ?? false
        environment.allowsMXToIP = main.flag("allow_mx_to_ip") ?? false
        environment.allowsDomainLiterals = main.flag("allow_domain_literals") ?? false
        environment.users = SystemUsers(longestName: Int(clamping: main.number("max_username_length") ?? 0))
        environment.percentHack = main.list("percent_hack_domains").map { PercentHack($0, expander) }
        environment.domainSearch = DomainSearch(
            resolvConf: SmallFile.text(of: "/etc/resolv.conf").text ?? "", hostName: MachineName.node)
        do {
            return try AddressRouter(configuration.routers, environment)
        } catch {
            throw StartError(error.description)
        }
    }
}
