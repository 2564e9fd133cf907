// Bobbin: the program that people type.
//
// Purpose: the commands of `bobbin` (queue, spool, config, expand, and those that hand over to the sibling
// programs), and the personality of Exim. It decides nothing about mail: it reads arguments, asks the modules
// below, and prints.
// May import: MailSystem and everything below it, ArgumentParser.
// Read in this order: Front/ (dispatch, output, failures, caller), Site/ (what a configuration says that a tool
// needs), Queue/ (listing and selection), Status/ (what programs do), Editing/ (changing messages), SpoolCommands/, ConfigCommands/, Hints/, TLS/, Expand/,
// Personality/ (Exim's options, and what each does).

import ArgumentParser
import Glibc

/// The program: by its name either `bobbin` or Exim.
@main
struct Program {
    static func main() async {
        let words = ProgramArguments.all()
        let console = Console.standard()
        let status = await Front(console: console).run(words)
        exit(console.finish(status).rawValue)
    }
}
