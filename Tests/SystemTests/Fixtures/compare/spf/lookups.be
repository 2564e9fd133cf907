# The spf lookup, and the variables where nothing was asked.
<${lookup{user@pass.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@fail.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@soft.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@neu.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@none.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
#! a mistake in a record is permerror, trouble with the DNS temperror (Exim with libspf2: "(invalid)", and nothing told)
<${lookup{user@bad.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@two.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
#! a mistake in a record is permerror, trouble with the DNS temperror (Exim with libspf2: "(invalid)", and nothing told)
<${lookup{user@dead.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@deada.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@pass.ex}spf{2001:db8::9}{$value}{NOTFOUND}}>
<${lookup{user@pass.ex}spf{2001:db9::9}{$value}{NOTFOUND}}>
<${lookup{user@pass.ex}spf{nonsense}{$value}{NOTFOUND}}>
<${lookup{user@pass.ex}spf{}{$value}{NOTFOUND}}>
<${lookup{}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{@pass.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{pass.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
#! a sender that has no domain to ask about has no record (Exim with libspf2: "(invalid)")
<${lookup{user@}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@fail.ex}spf{127.0.0.1}{$value}{NOTFOUND}}>
#! an IPv4 address that an IPv6 one wraps is that address
<${lookup{user@pass.ex}spf{::ffff:192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{a@b@pass.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{us er@pass.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@pass.ex.}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@PASS.EX}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@exp.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@localhost}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@[192.0.2.9]}spf{192.0.2.9}{$value}{NOTFOUND}}>
#! a sender that has no domain to ask about has no record (Exim with libspf2: "(invalid)")
<${lookup{user@a..b}spf{192.0.2.9}{$value}{NOTFOUND}}>
#! libspf2 does not find what %{d2} means in the name that is asked for
<${lookup{user@exists.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{u@mac2.ex}spf{192.0.2.9}{$value}{NOTFOUND}}>
<${lookup{user@fail.ex}spf{192.0.2.9}}>
<${lookup spf{user@fail.ex}}>
<${lookup{user@fail.ex}spf*@{192.0.2.9}}>
<${lookup{user@fail.ex}partial-spf{192.0.2.9}}>
${quote_spf:a b}
<${lookup{user@fail.ex}spf,ret=key{192.0.2.9}}>
<${lookup{user@fail.ex} spf {192.0.2.9}{yes}fail}>
<${lookup {user@fail.ex} spf {192.0.2.9}}>
<$spf_result|$spf_result_guessed|$spf_guess|$spf_received|$spf_header_comment|$spf_smtp_comment>
${if def:spf_result{y}{n}} ${if bool{$spf_result_guessed}{y}{n}}
<${if match_domain{a}{spf;192.0.2.9}{y}{n}}>
<${if match_address{user@pass.ex}{spf;192.0.2.9}{y $address_data}{n}}>
<${map{<, user@pass.ex, user@fail.ex, user@soft.ex}{$item ${lookup{$item}spf{192.0.2.9}}}}>
${authresults{mx.recv.ex}}
