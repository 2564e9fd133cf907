package import Bytes

/// Whatever answers DNS questions: the validating resolver, or a table.
package protocol NameResolver: Sendable {
    /// Asks one question; never throws, since every trouble is an answer to the asker.
    func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer

    /// Whether the name is one of a host or domain (`dns_check_names_pattern`); others do not exist without being asked for.
    func mayAsk(_ name: ByteString) -> Bool
}

extension NameResolver {
    package func mayAsk(_ name: ByteString) -> Bool { true }
}

/// Answers from a table, for trials and tests; a name that is not in it does not exist.
package struct FixedResolver: NameResolver {
    /// One question.
    package struct Question: Hashable, Sendable {
        let name: ByteString
        let type: RecordType

        /// Makes a question; letter case of the name does not count.
        package init(_ name: ByteString, _ type: RecordType) {
            self.name = name.lowercasedASCII()
            self.type = type
        }
    }

    private let answers: [Question: DNSAnswer]
    private let names: Set<ByteString>

    /// Makes a resolver that knows these answers.
    package init(_ answers: [Question: DNSAnswer]) {
        self.answers = answers
        names = Set(answers.keys.map(\.name))
    }

    package func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
        let question = Question(name, type)
        let absent: DNSOutcome = names.contains(question.name) ? .noData : .noSuchDomain
        return answers[question] ?? DNSAnswer(absent, canonicalName: name)
    }
}
