import Bytes
import Spooler

/// Prints messages as they would be sent, each under its lock (manual, option -Mvc).
struct MessageCopier: Sendable {
    let editor: MessageEditor

    /// Prints one message, or why that cannot be; whether it went well.
    func copy(_ id: MessageID, to console: Console) -> Bool {
        do throws(SpoolError) {
            switch try editor.spool.open(id) {
            case .opened(let message):
                console.write(MessageView.headers(of: message.header) + ByteString("\n"))
                try message.forEachBodyBlock { block throws(SpoolError) in
                    console.output.write(block)
                    return true
                }
                return true
            case .held: return tell(editor.held(id), console)
            case .gone: return tell(editor.noData(id), console)
            case .noData: return tell(editor.noData(id), console)
            case .noHeader: return tell(editor.noHeader(id), console)
            case .malformed(let message): return tell(editor.malformed(message), console)
            }
        } catch {
            return tell(editor.failure(error, of: id), console)
        }
    }

    private func tell(_ report: ActionReport, _ console: Console) -> Bool {
        console.write(report.text)
        return false
    }
}
