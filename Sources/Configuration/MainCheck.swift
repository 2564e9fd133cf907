import Bytes
import EximLog
import Expansion
import MailText

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
        if let name = main.template("smtp_active_hostname"), let error = name.syntaxError {
            throw ConfigurationError(
                "failed to expand \"\(name.source)\" (smtp_active_hostname): \(error.text)",
                at: main.values["smtp_active_hostname"]?.place)
        }
        try checkPattern("uucp_from_pattern")
        if let times = main.intervals("delay_warning"),
            zip(times, times.dropFirst()).contains(where: { $0 >= $1 })
        {
            throw ConfigurationError(
                "time value out of order for delay_warning", at: main.values["delay_warning"]?.place)
        }
    }

    private func checkPattern(_ option: ByteString) throws(ConfigurationError) {
        guard let setting = main.values[option] else { return }
        do {
            _ = try PCRE2Pattern.compile(main.text(option) ?? "")
        } catch {
            throw ConfigurationError(
                "regular expression error: \(error.words) while compiling \(setting.source)",
                at: setting.place)
        }
    }
}
