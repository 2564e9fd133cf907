// Transports: what to do with an address is done.
//
// Purpose: the transports smtp, lmtp, appendfile, pipe, autoreply and queuefile: a message and some addresses in, an outcome for each
// address out. They change no message on the queue; who calls them journals what they tell.
// May import: Bytes, MailText, OpenSSL, DNS, Hints, SMTP, Expansion, Configuration, Routing, PolicyChecks (signing), Spooler (body), CLinux, Dispatch, Glibc.
// Read in this order:
//   what is shared: DeliveryItem.swift, TransportOutcome.swift, MessageBody.swift, OutgoingMessage.swift,
//     TransportEnvironment.swift, TransportSettings.swift, OptionExpansion.swift, HeaderAssembly.swift, Offload.swift
//   local: AppendfileSettings.swift, QuotaOrder.swift, LocalOrder.swift, LocalOrder+coding.swift, LocalDelivery.swift,
//     LockPatience.swift, LockFile.swift, MailboxFile.swift, MailboxCount.swift, MaildirSizes.swift, MaildirDelivery.swift, Comsat.swift,
//     MessageWriter.swift, UnixLines.swift, QuotaReading.swift, MailboxPlace.swift, QuotaInquiry.swift, LocalTransport.swift, QuotaWarning.swift, LocalDoer.swift,
//     LocalProcess.swift, Pipe.swift, ShadowDelivery.swift
//   lmtp: LMTPOrder.swift, LocalWork+coding.swift, LocalStream.swift, ChildCommand.swift, LMTPDelivery.swift,
//     CommandWords.swift, LMTPTransport.swift
//   queuefile: QueuefileTransport.swift
//   smtp: SMTPSettings.swift, SigningSettings.swift, MessageSigning.swift, HostBook.swift, SharedTurns.swift, DeliveryLoop.swift, ClientSocket.swift, ClientTLS.swift,
//     TLSPlan.swift, SOCKSProxy.swift, ServerConnecting.swift, SecureSocket.swift, TLSOffer.swift, TransportEvents.swift, DataStream.swift, SMTPConnection.swift,
//     ConnectionPool.swift, SMTPTransport.swift, SMTPTransport+hosts.swift, SMTPTransport+connection.swift,
//     SMTPTransport+tls.swift, SMTPTransport+outcomes.swift, SMTPTransport+events.swift
//   callouts: CalloutRoute.swift, CalloutTalk.swift, CalloutTalk+tls.swift, CalloutTalk+message.swift, CutthroughSettings.swift,
//     Transport+passing.swift
//   system calls: SystemCalls.swift
