# Expansion items (11.5).
plain text
$$ \$ \\ \{ \} \101 \x41 \n|
\N$x ${y} \n\N end
\N unfinished
HELLO HELLO_WORLD
${acl {yes}}
${acl {yes}{a}{b}}
${acl {no}{a}{b}}
${acl {late}}
${acl {plain}}
${acl {silent}}
${acl {nosuch}}
${acl {sets}{hello}}
${acl {sets}{hello}}$acl_c_x
${acl}
${acl {yes}{1}{2}{3}{4}{5}{6}{7}{8}{9}}
${acl {yes}{1}{2}{3}{4}{5}{6}{7}{8}{9}{10}}
${if acl {{yes}{q}} {y $value}{n}}
${if acl {{no}{q}{r}} {y}{n $value}}
${if acl {{late}} {y}{n}}
${if acl {{nosuch}} {y}{n}}
${authresults {mail.example.com}}
${authresults}
#! words of an error
${certextract{version}{${readfile{@DIR@/cert.pem}}}}
${certextract{version}{$tls_in_peercert}}
${certextract{version}{$tls_in_peercert}{y $value}{n}}
${certextract{nosuch}{$tls_in_peercert}}
${certextract{version}}
${certextract{version}{$primary_hostname}}
${certextract{subj_altname,dns}{$tls_in_ourcert}{$value}{none}}
#! loading of code is not supported
${dlfunc{/nosuch.so}{f}}
${dlfunc{/nosuch.so}}
${env{HOME}}
${env{HOME}{<$value>}}
${env{NOSUCH}{y}{n}}
${env{NOSUCH}}
${env{NOSUCH}{y}fail}
${env{}{y}{n}}
${env{PATH}{${length_4:$value}}fail}
${env{KEPT}{$value}{no}} ${env{LEFT}{$value}{no}} ${env{REPLACED}{$value}{no}} ${env{ADDED}{$value}{no}} ${env{nothing}{yes}{no}} ${env{TZ}{$value}{no}}
${tr{${run{/usr/bin/env}}}{\n}{;}}
${extract{b}{a=1 b=2}}
${extract{B}{a=1 b=2}}
${extract{b}{a=1 b="2 3" c=4}}
${extract{b}{a=1 b="2 \"3" c=4}{<$value>}}
${extract{d}{a=1}{y}{n}}
${extract{d}{a=1}{y}fail}
${extract{d}{a=1}}
${extract{d}{a=1}{y}}
${extract{a}{a=1}{}{n}}
${extract{ a }{a=1}}
${extract{a}{a =1}}
${extract{a}{ a = 1 }}
${extract{a}{a:1}}
${extract{}{a=1}{y}{n}}
${extract{1}{:}{a:b:c}}
${extract{2}{:}{a:b:c}{<$value>}{n}}
${extract{4}{:}{a:b:c}{<$value>}{n}}
${extract{-1}{:}{a:b:c}}
${extract{-4}{:}{a:b:c}{y}{n}}
${extract{0}{:}{a:b:c}}
${extract{2}{:/}{a/b:c}}
${extract{1}{ }{ a b}}
${extract{x}{:}{a:b}}
${extract{1}{}{abc}}
${extract{+2}{:}{a:b}}
${extract{2x}{:}{a:b}}
${extract{99999999999}{:}{a:b}{y}{n}}
${extract json{a}{{"a":"x","b":2}}}
${extract json{b}{{"a":"x","b":2}}}
${extract json{c}{{"a":"x","c":[1,2]}}}
${extract json{1}{[10,20,30]}}
${extract json{3}{[10,20,"30"]}}
${extract json{4}{[10,20,30]}{y}{n}}
${extract json{-1}{[10,20,30]}}
${extract json{0}{[10,20,30]}}
${extract jsons{a}{{"a":"x","b":2}}}
${extract jsons{b}{{"a":"x","b":2}}}
${extract jsons{b}{{"a":"x","b":[2]}}}
${extract jsons{3}{[10,20,"30"]}}
${extract jsons{1}{["a","b"]}{<$value>}{n}}
${extract jsons{a}{{"a":"q\\"x"}}}
${extract jsons{a}{{"a":"\u00e9"}}}
${extract jsons{a.b}{{"a":{"b":1}}}}
${extract jsons{b}{${extract json{a}{{"a":{"b":"deep"}}}}}}
${extract json {a}{x}}
${extract json{a}{}{y}{n}}
${extract jsonx{a}{{"a":1}}}
${filter{a:b:c}{eq{$item}{b}}}
${filter{a:b:c}{!eq{$item}{b}}}
${filter{<, a,b,c}{match{$item}{[ac]}}}
${filter{}{eq{$item}{}}}
${filter{a::b}{eq{$item}{}}}
${filter{a:b}{eq{$item}{a}}{x}}
${filter{a:b}}
${filter{1:2:3:4}{>{$item}{2}}}
${filter{a:b}{nosuch{$item}}}
${filter{<+ a+b:c}{match{$item}{:}}}
${hash{2}{abcdef}}
${hash{2}{3}{abcdef}}
${hash{0}{abc}}
${hash{10}{abc}}
${hash{3}{100}{abcdefgh}}
${hash{x}{abc}}
#! Exim ends
${hash{-1}{abc}}
${hmac{md5}{secret}{text}}
${hmac{sha1}{secret}{text}}
${hmac{sha256}{secret}{text}}
${hmac{MD5}{secret}{text}}
${hmac{sha1}{a key that is longer than sixty-four octets, which therefore is hashed before it is used at all}{text}}
${hmac{md5}{}{}}
${if eq{a}{a}}
${if eq{a}{b}}
${if eq{a}{a}{y}}
${if eq{a}{b}{y}}
${if eq{a}{b}{y}{n}}
${if eq{a}{b}{y}fail}
${if eq{a}{b}{$nosuch}{n}}
${if eq{a}{a}{y}{$nosuch}}
${if eq{a}{a}{y}{n}{z}}
${if {eq{a}{a}}{y}{n}}
${if ! eq{a}{b}{y}{n}}
${if !!eq{a}{a}{y}{n}}
${if}
${if eq}
${if eq{a}}
${if eq{a}{b}fail}
${imapfolder{Foo/Bar}}
${imapfolder{Foo.Bar}{.}}
${imapfolder{Foo.Bar}{.}{/}}
${imapfolder{Gr\xc3\xbc\xc3\x9fe}}
${imapfolder{a&b}}
${imapfolder{}}
${imapfolder{\xff}}
${imapfolder{a/b}{.}{}}
${imapfolder{x~y\x7f}}
${imapfolder {Foo/Bar}}
${imapfolder {Foo/Bar}{.}{/}}
${imapfolder {Foo/Bar}{/}{.}}
${imapfolder{Foo.Bar}{.}}
${imapfolder{Foo.Bar}}
${imapfolder{Foo/Bar.baz}{x}}
${imapfolder{Foo/Bar.baz}{x}{./}}
${imapfolder{Foo/Bar.baz}{/}{.}}
${imapfolder{axb}{x}}
${imapfolder{a/b}{ab}}
${imapfolder{a/b}{}}
${imapfolder{a/b}{é}}
${imapfolder{R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s}}
${imapfolder{\xe4}}
${imapfolder{\xe2\x82\xac/\xe2\x82\xac}}
${imapfolder{\xf0\x9f\x98\x80}}
${imapfolder{\xed\xa0\x80}}
${imapfolder{\xff}}
${imapfolder{a\xc3}}
${imapfolder{&}}
${imapfolder{&&\xc3\xa4&}}
${imapfolder{~}}
${imapfolder{a b"\\*%}}
${imapfolder{a\tb\nc}}
${imapfolder{}}
${imapfolder{a}{/}{.}{x}}
${imapfolder{\xf4\x90\x80\x80}}
${imapfolder{\xc0\x80}}
${imapfolder{a\xc3\xa4b\xc3\xb6\xc3\xbc\xe2\x82\xac}}
${imapfolder{\xc3\xa4}{\xc3}}
${imapfolder{INBOX/Sent Items}}
${imapfolder{...}}
${imapfolder{///}}
${imapfolder{a/\xc3\xa4.b}{/}{.}}
${imapfolder{a/\xc3\xa4.b}{/}{\xc3\xa4}}
${imapfolder{\x01}}
${imapfolder{a&AC8-b}}
${imapfolder{\xc3\xa4&\xc3\xb6}}
${imapfolder{\xc3\xa4/\xc3\xb6}}
${imapfolder{\xc3\xa4.\xc3\xb6}}
${imapfolder{\xc3\xa4x\xc3\xb6}}
${imapfolder{/a}}
${imapfolder{a/}}
${imapfolder{a//b}}
${imapfolder{a///b}}
${imapfolder{//a//b//}}
${imapfolder{//}}
${imapfolder{xax}{x}}
${imapfolder{..a.b..}{.}}
${imapfolder{a&b/c}{&}{/}}
${imapfolder{ a b }{ }}
${imapfolder{ab}{a}{b}}
${imapfolder{a/b}{/}{/}}
${imapfolder{a/b~c&}{/}{~&}}
${length{3}{abcdef}}
${length{0}{abc}}
${length{x}{abc}}
${listextract{1}{a:b:c}}
${listextract{2}{<, a, b, c}}
${listextract{-1}{a:b:c}}
${listextract{4}{a:b:c}{y}{n}}
${listextract{4}{a:b:c}}
${listextract{0}{a:b}{y}{n}}
${listextract{2}{a:b:c}{<$value>}}
${listextract{x}{a:b}}
${listextract{1}{}{y}{n}}
${listquote{:}{a:b}}
${listquote{,}{a,b:c}}
${listquote{::}{a:b}}
${listquote{:}{}}
${listquote{}{a}}
${map{a:b:c}{<$item>}}
${map{a:b:c}{$item$item}}
${map{<;a;b}{${uc:$item}}}
${map{}{x}}
${map{a:b}{}}
#! words of an error
${map{a:b}{$nosuch}}
${map{a:b}{${map{1:2}{$item}}}}
${map{a:b}{x:y}}
${map{a:b}{$item}{z}}
${map{<+ a:b+c}{$item}}
${nhash{10}{abcdef}}
${nhash{10}{20}{abcdef}}
#! Exim ends
${nhash{0}{abc}}
${nhash{x}{abc}}
${perl{foo}}
${prvs{user@example.com}{key}{1}}
${prvs{user@example.com}{key}}
${prvs{user}{key}{1}}
${prvs{user@example.com}{key}{10}}
${prvs{user@example.com}{key}{x}}
${prvscheck{user@example.com}{key}{y}}
${prvscheck{prvs=1000012345=user@example.com}{key}{y $prvscheck_result $prvscheck_keynum $prvscheck_address}}
${prvscheck{${prvs{user@example.com}{key}{2}}}{key}{$prvscheck_result/$prvscheck_keynum/$prvscheck_address}}
${prvscheck{${prvs{user@example.com}{key}{2}}}{other}{<$prvscheck_result>}}
${prvscheck{${prvs{user@example.com}{key}{2}}}{key}}
${prvscheck{x@y}{key}}
${readfile{@DIR@/domains}}
${readfile{@DIR@/domains}{;}}
${readfile{@DIR@/domains}{}}
${readfile{@DIR@/nosuch}}
${readfile{@DIR@/dir}}
${readfile{relative}}
${readfile{}}
${readsocket{/nosuch/socket}{x}}
${readsocket{/nosuch/socket}{x}{1s}{}{failed}}
${readsocket{inet:127.0.0.1:1}{x}{2s}{}{failed}}
${readsocket{inet:127.0.0.1:1}{x}{2s}}
#! Exim gives no reason
${readsocket{inet:127.0.0.1}{x}}
#! Exim gives no reason
${readsocket{inet:127.0.0.1:nosuchservice}{x}}
${readsocket{@DIR@/data}{x}{5s}{}{no socket}}
#! the first error is told, not the last
${readsocket{/x}{y}{badoption}}
${readsocket{/x}}
${reduce{1:2:3}{0}{${eval:$value+$item}}}
${reduce{<, a,b}{x}{$value$item}}
${reduce{}{start}{x}}
${reduce{a:b}{}{$value${uc:$item}}}
${reduce{1:9:4}{0}{${if >{$item}{$value}{$item}{$value}}}}
${reduce{a}{b}}
${run{/bin/echo hello}}
${run{/bin/echo "a b"  c}}
${run{/bin/echo $primary_hostname}{<$value>}}
${run{/bin/false}{y}{n}}
${run{/bin/false}{y}{n}} $runrc
${run{/bin/false}}
${run{/bin/sh -c "exit 7"}{y}fail}
${run{/bin/sh -c "echo out; echo err >&2"}}
${run{/nosuch/program}{y}{n}}
${run{echo x}{y}{n}}
${run,preexpand{/bin/echo a ${uc:b} c}{$value}}
${run{/bin/echo ${if eq{a}{a}{x y}}}{$value}}
${run,nosuch{/bin/echo a}}
${run{}}
${run{/bin/sh -c "kill -9 \$\$"}{y}{n}} $runrc
${run{/bin/echo 'single quotes'}}
${run{/bin/echo -n no newline}{[$value]}}
${sg{abcdef}{b}{X}}
${sg{abcabc}{b}{X}}
${sg{abcdef}{(b)(c)}{\$2\$1}}
${sg{abc}{}{-}}
${sg{abc}{^}{>}}
${sg{abc}{x*}{-}}
${sg{a.b.c}{\\.}{-}}
${sg{a.b.c}{\N\.\N}{-}}
${sg{abc}{[}{x}}
${sg{ABC}{(?i)b}{x}}
${sg{}{a}{b}}
${sg{abc}{b}{}}
${sg{aaa}{a}{b\$0}}
${sort{3:2:1}{<}{$item}}
${sort{3:2:1}{>}{$item}}
${sort{b:a:c}{lti}{$item}}
${sort{b:B:a}{lt}{$item}}
${sort{<, 10, 9, 100}{<=}{$item}}
${sort{a2:b1}{<}{${substr_1:$item}}}
${sort{a:b}{eq}{$item}}
${sort{3:b:2}{<}{$item}}
${sort{x:3:1}{>=}{$item}}
${sort{}{lt}{$item}}
#! Exim gives no reason
${sort{b:a}{nosuch}{$item}}
${sort{b:a}{gei}{$item}}
${substr{1}{2}{abcdef}}
${substr{-2}{2}{abcdef}}
${substr{-1}{abcdef}}
${substr{2}{abcdef}}
${substr{10}{2}{abc}}
${substr{-10}{9}{abc}}
${substr{x}{1}{abc}}
${substr{1}{-1}{abc}}
${tr{abc}{ab}{xy}}
${tr{abc}{abc}{x}}
${tr{abc}{a-c}{xyz}}
${tr{a.b}{.}{_}}
${tr{abc}{}{x}}
${tr{abc}{b}{}}
${srs_encode{secret}{user@example.org}{example.com}}x
${srs_encode{secret}{}{example.com}}
${srs_encode{secret}{user}{example.com}}x
${nosuch{x}}
${nosuch:x}
$nosuch
${nosuch}
${primary_hostname}
$primary_hostname.x
${primary_hostname
${}
$
$(x)
${lc:${uc:a}}
${expand:\$primary_hostname}
${expand:\${if eq{1}{2}{a}fail}}
${expand:\${nosuch}}
${lc:a}b}
${lc:a{b}
{braces}
a } b
${if eq{\{}{\{}{y}{n}}
${listextract{1}{${listextract{2}{<; a;b:c}}}}
${srs_encode{user@example.org}{secret}{example.com}}
${srs_encode{secret}{example.com}{user@example.org}}
${srs_encode {secret}{a@b.c}{d}}
${srs_encode{secret}{"a b"@Example.COM}{forward.example}}
${srs_encode{secret}{SRS0=aaaa=bb=x.y=z@q.r}{forward.example}}
${srs_encode{secret}{Fred.Bloggs@Example.COM}{forward.example}}
${if inbound_srs {SRS0=0000${substr_9:${local_part:${srs_encode{secret}{user@example.org}{example.com}}}}}{secret}{y $srs_recipient}{n $srs_recipient}}
${if inbound_srs {SRS0=0000=aa=example.org=user}{}{y $srs_recipient}{n}}
${if inbound_srs {srs0=0000=aa=example.org=user}{}{y $srs_recipient}{n}}
${if inbound_srs {SRS0=0000=a=example.org=user}{}{y $srs_recipient}{n}}
${if inbound_srs {SRS0==aa=example.org=user}{}{y $srs_recipient}{n}}
${if inbound_srs {SRS0=0000=aa==user}{}{y $srs_recipient}{n}}
# ACLs that break, and decisions that an expansion cannot obey.
${acl{condition_breaks}}
${if acl{{condition_breaks}}{yes}{no}}
${acl{set_breaks}}
${if acl{{set_breaks}}{yes}{no}}
${acl{delay_breaks}}
${if acl{{delay_breaks}}{yes}{no}}
${acl{header_breaks}}
${if acl{{header_breaks}}{yes}{no}}
${acl{control_breaks}}
${if acl{{control_breaks}}{yes}{no}}
${acl{acl_breaks}}
${if acl{{acl_breaks}}{yes}{no}}
${acl{calls_broken}}
${if acl{{calls_broken}}{yes}{no}}
${acl{itself}}
${if acl{{itself}}{yes}{no}}
${acl{list_unknown}}
${if acl{{list_unknown}}{yes}{no}}
${acl{forced}}
${if acl{{forced}}{yes}{no}}
${acl{dropped}}
${if acl{{dropped}}{yes}{no}}
${acl{discarded}}
${if acl{{discarded}}{yes}{no}}
${acl{late}}
${if acl{{late}}{yes}{no}}
${acl{nosuchacl}}
${if acl{{nosuchacl}}{yes}{no}}
