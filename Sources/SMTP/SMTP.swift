// SMTP: the protocol (RFC 5321) as pure values; no sockets, no clock, no policy.
//
// Purpose: commands, replies and extensions; framing of lines, DATA and BDAT both ways; the order of an
// envelope on the server side; the whole of a client's session as a machine that says what to do next. The
// drivers in Receiver and Transports obey.
// May import: Bytes, MailText.
// Read in this order: Reply.swift, ReplyReader.swift, LineScan.swift, LineFramer.swift, SMTPCommand.swift,
// CommandLine.swift, CommandParameters.swift, EnvelopePhase.swift, ReceivedProtocol.swift, DataDecoder.swift,
// BDATDecoder.swift, DotStuffer.swift, ServerExtensions.swift, Transaction.swift, Downconversion.swift, ClientOutcome.swift,
// ClientMachine.swift, ClientMachine+greeting.swift, Exchange.swift, ClientMachine+transaction.swift,
// ClientTexts.swift, TrafficClass.swift, SOCKSDialogue.swift, ProxyHeader.swift.
