package import Bytes

/// One delivery to a command with everything expanded and settled: what a process of another user can do without a
/// configuration.
package struct PipeOrder: Sendable, Hashable {
    /// The transport's name, for texts.
    package var transport: ByteString
    /// The command's file and its arguments; a file without a slash is looked for in `path`.
    package var words: [ByteString]
    /// `path`.
    package var path: ByteString = "/bin:/usr/bin"
    /// `NAME=value` each.
    package var environment: [ByteString] = []
    /// Where the command works.
    package var directory: ByteString = "/"
    /// `umask`.
    package var umask: UInt32 = 0o022
    /// `timeout` in seconds; 0 is none.
    package var timeout = 3600
    /// `max_output`: after how many octets the command is killed.
    package var maximumOutput = 20_480
    /// `permit_coredump`.
    package var permitsCoredump = false
    /// What the command gets on its standard input.
    package var content = MessageContent()

    /// Makes an order; the rest is set afterwards.
    package init(transport: ByteString, words: [ByteString]) {
        self.transport = transport
        self.words = words
    }
}

/// How a command ended, and what it said.
package struct PipeEnding: Sendable, Hashable {
    /// The kinds of endings.
    package enum Kind: UInt8, Sendable {
        /// It ended with the status `number`.
        case exited = 0
        /// The signal `number` ended it.
        case killed = 1
        /// It took too long.
        case timedOut = 2
        /// It could not be started.
        case notStarted = 3
        /// It is not in `path`.
        case notFound = 4
    }

    /// How it ended.
    package var kind: Kind
    /// The status or the signal.
    package var number: Int32 = 0
    /// What it wrote on its standard output and error output.
    package var output: ByteString = ""
    /// The file that was run.
    package var file: ByteString = ""

    /// Makes an ending.
    package init(_ kind: Kind, _ number: Int32 = 0) {
        self.kind = kind
        self.number = number
    }
}

extension PipeOrder: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&transport)
        coder.pass(&words)
        coder.pass(&path)
        coder.pass(&environment)
        coder.pass(&directory)
        coder.pass(&umask)
        coder.pass(&timeout)
        coder.pass(&maximumOutput)
        coder.pass(&permitsCoredump)
        coder.pass(&content)
    }
}

extension PipeEnding: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&kind)
        coder.pass(&number)
        coder.pass(&output)
        coder.pass(&file)
    }
}
