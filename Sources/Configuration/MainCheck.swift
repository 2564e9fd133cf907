import Bytes
import EximLog

/// What must hold for values of the main section that have a language of their own; in Exim's words.
struct MainCheck {
    let main: OptionBlock

    func run() throws(ConfigurationError) {
        if let setting = main.values["log_selector"] {
            do throws(LogSelectorError) {
                _ = try LogSelector(parsing: main.text("log_selector") ?? "")
            } catch {
                throw ConfigurationError(ByteString(error.description), at: setting.place)
            }
        }
        if let setting = main.values["syslog_facility"], SyslogOptions.facility(named: setting.source) == nil
        {
            throw ConfigurationError(
                "failed to interpret syslog_facility \"\(setting.source)\"", at: setting.place,
                hint: "it is mail, local0 or another one that syslog knows")
        }
    }
}
