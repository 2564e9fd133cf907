package import Bytes

/// What a local delivery writes: the message, and what stands around it.
package struct MessageContent: Sendable, Hashable {
    /// What comes first, as it is.
    package var prefix: ByteString = ""
    /// The header lines and the blank line.
    package var head: ByteString = ""
    /// What comes last, as it is.
    package var suffix: ByteString = ""
    /// Where the body begins in the data file; nil sends none (`headers_only`).
    package var bodyStart: Int?
    /// The octets of the body.
    package var bodySize = 0
    /// Whether the body's lines end in CRLF.
    package var isWireFormat = false
    /// `check_string`, empty for none.
    package var checkString: ByteString = ""
    /// `escape_string`.
    package var escapeString: ByteString = ""
    /// `use_crlf`.
    package var usesCRLF = false
    /// Whether a body whose last line does not end is ended, since something follows.
    package var endsLastLine = false
    /// `transport_filter`: the command through which header and body go.
    package var filter: FilterOrder?

    /// Nothing.
    package init() {}
}

/// A command through which a message goes on its way out (`transport_filter`).
package struct FilterOrder: Sendable, Hashable {
    /// The command's file and arguments.
    package var words: [ByteString]
    /// `NAME=value` each.
    package var environment: [ByteString] = []
    /// Where it works.
    package var directory: ByteString = "/"
    /// `transport_filter_timeout` in seconds; 0 is none.
    package var timeout = 300

    /// Makes an order.
    package init(words: [ByteString]) { self.words = words }
}

extension MessageContent: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&prefix)
        coder.pass(&head)
        coder.pass(&suffix)
        coder.pass(&bodyStart)
        coder.pass(&bodySize)
        coder.pass(&isWireFormat)
        coder.pass(&checkString)
        coder.pass(&escapeString)
        coder.pass(&usesCRLF)
        coder.pass(&endsLastLine)
        coder.pass(optional: &filter, blank: FilterOrder(words: [])) { $0.pass(&$1) }
        if bodySize < 0 || (bodyStart ?? 0) < 0 { coder.fail() }
    }
}

extension FilterOrder: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&words)
        coder.pass(&environment)
        coder.pass(&directory)
        coder.pass(&timeout)
    }
}
