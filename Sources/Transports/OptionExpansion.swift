import Bytes
import Expansion
import Routing

/// What a transport's options are expanded with.
struct OptionExpansion {
    /// The transport's name, for texts.
    let transport: ByteString
    let expander: Expander
    var facts: Facts

    /// Expands an option that must give something; the trouble is one of the configuration, in Exim's words.
    ///
    /// `facts` are these where they are not given.
    func expand(
        _ template: Template, saying what: ByteString, errno: Int32 = -1, _ facts: Facts? = nil
    ) async throws(TransportTrouble) -> TaintedBytes {
        do {
            return try await expander.expand(template, facts ?? self.facts)
        } catch {
            var trouble = TransportTrouble(
                "Expansion of \"\(template.source)\" (\(what) for \(transport) transport) failed: \(error.text)",
                errno: errno
            ).panicking
            if case .forcedFailure = error { trouble.isForced = true }
            throw trouble
        }
    }
}

extension Facts {
    /// What a transport's options see of an address.
    func seen(by transport: ByteString, _ instruction: DeliveryInstruction?) -> Facts {
        var facts = self
        facts.address = instruction?.facts ?? AddressFacts()
        facts.address.transportName = transport
        facts.address.home = instruction?.homeDirectory
        if let known = instruction?.filterFacts {
            facts.captures = known.captures
            facts.extra.merge(known.variables) { _, new in new }
        }
        return facts
    }
}
