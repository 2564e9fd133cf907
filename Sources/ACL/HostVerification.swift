import Bytes
import Expansion

extension ACLEvaluator {
    /// Finds the client's name, verified both ways, unless that has been done; the log tells when there is none.
    package func lookUpHost(_ state: inout ACLState) async {
        _ = await expander.environment.nameOfPeer(state.facts)
    }

    /// Whether the HELO name belongs to the client: an address literal with its address, its name, or a name with its
    /// address (manual, options `helo_verify_hosts` and `helo_try_verify_hosts`); what is found stays in the facts.
    package func verifyHello(_ state: inout ACLState) async -> Bool {
        if state.facts.connection.heloVerified { return true }
        guard let helo = state.facts.connection.helo else { return false }
        guard let address = state.facts.connection.remoteAddress else { return false }
        state.facts.connection.heloVerified = await belongs(helo, to: address, &state)
        return state.facts.connection.heloVerified
    }

    private func belongs(_ helo: ByteString, to address: IPAddress, _ state: inout ACLState) async -> Bool {
        if helo.first == UInt8(ascii: "["), helo.last == UInt8(ascii: "]") {
            return IPAddress(ByteString(helo.dropFirst().dropLast())) == address
        }
        await lookUpHost(&state)
        if case .found(let names) = state.facts.connection.hostName.known,
            names.contains(where: { $0.equalsIgnoringCase(helo) })
        {
            return true
        }
        guard case .found(let addresses) = await expander.environment.addressesOfHost(helo) else {
            return false
        }
        return addresses.contains(address)
    }
}
