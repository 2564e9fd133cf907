import Bytes
import EximLog
import Expansion

extension ACLEvaluator {
    /// Finds the client's name, verified both ways, unless that has been done; the state's log lines tell when there is
    /// none (log selector `host_lookup_failed`, which the writer of the lines regards).
    package func lookUpHost(_ state: inout ACLState) async {
        let known = state.facts.connection.hostName
        guard let address = state.facts.connection.remoteAddress, known.known == nil else { return }
        let answer = await expander.environment.namesOfAddress(address)
        known.settle(answer)
        if case .notFound = answer {
            log(
                .init(
                    text: "no host name found for IP address \(address.text)", targets: .main,
                    item: .hostLookupFailed), &state)
        }
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
