// Receiver: the one door into the spool.
//
// Purpose: takes messages over SMTP (a daemon on the network, or one session on standard input) and from local
// callers, and commits each to the spool before it says so. What it starts for delivery is another program.
// May import: MailSystem, ACL, Routing (rewriting), PolicyChecks, SMTP, OpenSSL, Spooler, MailText, Expansion,
// Configuration, EximLog; NIO, ArgumentParser.
// Read in this order: Commands/ (the command line), Listening/ (sockets and threads), Session/ (one SMTP
// session, from greeting to QUIT), Message/ (from the first header line to the commit), Local/ (who hands in mail on
// this machine, and the socket for those who may not write to the spool).

import ArgumentParser
import MailSystem

/// The program `bobbin-receiver`.
@main
struct ReceiverProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bobbin-receiver",
        abstract: "Receives mail and puts it into the spool.",
        discussion: "Example: bobbin-receiver -C /etc/bobbin/bobbin.conf listen --listen 127.0.0.1:2525",
        subcommands: [
            ListenCommand.self, SubmitCommand.self, StdioCommand.self, BatchCommand.self, LocalCommand.self,
            RehearseCommand.self,
        ])

    @OptionGroup var shared: SharedOptions

    static func main() async {
        await main(ConfigurationSource.separated(CommandLine.arguments.dropFirst()))
    }
}
