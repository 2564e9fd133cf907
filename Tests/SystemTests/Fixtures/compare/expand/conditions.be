# Conditions (11.7).
${if eq{a}{a}{y}{n}}
${if eq{a}{b}{y}{n}}
${if eq{A}{a}{y}{n}}
${if eq{}{a}{y}{n}}
${if eq{a}{}{y}{n}}
${if eq{}{}{y}{n}}
${if eq{10}{9}{y}{n}}
${if eq{abc}{abd}{y}{n}}
${if eq{\xe9}{\xc9}{y}{n}}
${if eq{a}{ab}{y}{n}}
${if eqi{a}{a}{y}{n}}
${if eqi{a}{b}{y}{n}}
${if eqi{A}{a}{y}{n}}
${if eqi{}{a}{y}{n}}
${if eqi{a}{}{y}{n}}
${if eqi{}{}{y}{n}}
${if eqi{10}{9}{y}{n}}
${if eqi{abc}{abd}{y}{n}}
${if eqi{\xe9}{\xc9}{y}{n}}
${if eqi{a}{ab}{y}{n}}
${if ge{a}{a}{y}{n}}
${if ge{a}{b}{y}{n}}
${if ge{A}{a}{y}{n}}
${if ge{}{a}{y}{n}}
${if ge{a}{}{y}{n}}
${if ge{}{}{y}{n}}
${if ge{10}{9}{y}{n}}
${if ge{abc}{abd}{y}{n}}
${if ge{\xe9}{\xc9}{y}{n}}
${if ge{a}{ab}{y}{n}}
${if gei{a}{a}{y}{n}}
${if gei{a}{b}{y}{n}}
${if gei{A}{a}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if gei{}{a}{y}{n}}
${if gei{a}{}{y}{n}}
${if gei{}{}{y}{n}}
${if gei{10}{9}{y}{n}}
${if gei{abc}{abd}{y}{n}}
${if gei{\xe9}{\xc9}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if gei{a}{ab}{y}{n}}
${if gt{a}{a}{y}{n}}
${if gt{a}{b}{y}{n}}
${if gt{A}{a}{y}{n}}
${if gt{}{a}{y}{n}}
${if gt{a}{}{y}{n}}
${if gt{}{}{y}{n}}
${if gt{10}{9}{y}{n}}
${if gt{abc}{abd}{y}{n}}
${if gt{\xe9}{\xc9}{y}{n}}
${if gt{a}{ab}{y}{n}}
${if gti{a}{a}{y}{n}}
${if gti{a}{b}{y}{n}}
${if gti{A}{a}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if gti{}{a}{y}{n}}
${if gti{a}{}{y}{n}}
${if gti{}{}{y}{n}}
${if gti{10}{9}{y}{n}}
${if gti{abc}{abd}{y}{n}}
${if gti{\xe9}{\xc9}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if gti{a}{ab}{y}{n}}
${if le{a}{a}{y}{n}}
${if le{a}{b}{y}{n}}
${if le{A}{a}{y}{n}}
${if le{}{a}{y}{n}}
${if le{a}{}{y}{n}}
${if le{}{}{y}{n}}
${if le{10}{9}{y}{n}}
${if le{abc}{abd}{y}{n}}
${if le{\xe9}{\xc9}{y}{n}}
${if le{a}{ab}{y}{n}}
${if lei{a}{a}{y}{n}}
${if lei{a}{b}{y}{n}}
${if lei{A}{a}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if lei{}{a}{y}{n}}
${if lei{a}{}{y}{n}}
${if lei{}{}{y}{n}}
${if lei{10}{9}{y}{n}}
${if lei{abc}{abd}{y}{n}}
${if lei{\xe9}{\xc9}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if lei{a}{ab}{y}{n}}
${if lt{a}{a}{y}{n}}
${if lt{a}{b}{y}{n}}
${if lt{A}{a}{y}{n}}
${if lt{}{a}{y}{n}}
${if lt{a}{}{y}{n}}
${if lt{}{}{y}{n}}
${if lt{10}{9}{y}{n}}
${if lt{abc}{abd}{y}{n}}
${if lt{\xe9}{\xc9}{y}{n}}
${if lt{a}{ab}{y}{n}}
${if lti{a}{a}{y}{n}}
${if lti{a}{b}{y}{n}}
${if lti{A}{a}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if lti{}{a}{y}{n}}
${if lti{a}{}{y}{n}}
${if lti{}{}{y}{n}}
${if lti{10}{9}{y}{n}}
${if lti{abc}{abd}{y}{n}}
${if lti{\xe9}{\xc9}{y}{n}}
#! Exim's comparison without case takes a string for greater than one that begins with it
${if lti{a}{ab}{y}{n}}
${if ={1}{1}{y}{n}}
${if ={2}{1}{y}{n}}
${if ={-1}{1}{y}{n}}
${if ={1k}{1024}{y}{n}}
${if ={1M}{1048576}{y}{n}}
${if ={0x10}{16}{y}{n}}
${if ={}{0}{y}{n}}
${if ={x}{1}{y}{n}}
${if ={1}{1x}{y}{n}}
${if ={010}{10}{y}{n}}
${if ={ 5 }{5}{y}{n}}
${if =={1}{1}{y}{n}}
${if =={2}{1}{y}{n}}
${if =={-1}{1}{y}{n}}
${if =={1k}{1024}{y}{n}}
${if =={1M}{1048576}{y}{n}}
${if =={0x10}{16}{y}{n}}
${if =={}{0}{y}{n}}
${if =={x}{1}{y}{n}}
${if =={1}{1x}{y}{n}}
${if =={010}{10}{y}{n}}
${if =={ 5 }{5}{y}{n}}
${if <{1}{1}{y}{n}}
${if <{2}{1}{y}{n}}
${if <{-1}{1}{y}{n}}
${if <{1k}{1024}{y}{n}}
${if <{1M}{1048576}{y}{n}}
${if <{0x10}{16}{y}{n}}
${if <{}{0}{y}{n}}
${if <{x}{1}{y}{n}}
${if <{1}{1x}{y}{n}}
${if <{010}{10}{y}{n}}
${if <{ 5 }{5}{y}{n}}
${if <={1}{1}{y}{n}}
${if <={2}{1}{y}{n}}
${if <={-1}{1}{y}{n}}
${if <={1k}{1024}{y}{n}}
${if <={1M}{1048576}{y}{n}}
${if <={0x10}{16}{y}{n}}
${if <={}{0}{y}{n}}
${if <={x}{1}{y}{n}}
${if <={1}{1x}{y}{n}}
${if <={010}{10}{y}{n}}
${if <={ 5 }{5}{y}{n}}
${if >{1}{1}{y}{n}}
${if >{2}{1}{y}{n}}
${if >{-1}{1}{y}{n}}
${if >{1k}{1024}{y}{n}}
${if >{1M}{1048576}{y}{n}}
${if >{0x10}{16}{y}{n}}
${if >{}{0}{y}{n}}
${if >{x}{1}{y}{n}}
${if >{1}{1x}{y}{n}}
${if >{010}{10}{y}{n}}
${if >{ 5 }{5}{y}{n}}
${if >={1}{1}{y}{n}}
${if >={2}{1}{y}{n}}
${if >={-1}{1}{y}{n}}
${if >={1k}{1024}{y}{n}}
${if >={1M}{1048576}{y}{n}}
${if >={0x10}{16}{y}{n}}
${if >={}{0}{y}{n}}
${if >={x}{1}{y}{n}}
${if >={1}{1x}{y}{n}}
${if >={010}{10}{y}{n}}
${if >={ 5 }{5}{y}{n}}
${if bool{true}{y}{n}}
${if bool{false}{y}{n}}
${if bool{yes}{y}{n}}
${if bool{no}{y}{n}}
${if bool{1}{y}{n}}
${if bool{0}{y}{n}}
${if bool{2}{y}{n}}
${if bool{-1}{y}{n}}
${if bool{TRUE}{y}{n}}
${if bool{Yes}{y}{n}}
${if bool{}{y}{n}}
${if bool{  }{y}{n}}
${if bool{00}{y}{n}}
${if bool{01}{y}{n}}
${if bool{xyz}{y}{n}}
${if bool{ true }{y}{n}}
${if bool{no }{y}{n}}
${if bool{1x}{y}{n}}
${if bool{+1}{y}{n}}
${if bool_lax{true}{y}{n}}
${if bool_lax{false}{y}{n}}
${if bool_lax{yes}{y}{n}}
${if bool_lax{no}{y}{n}}
${if bool_lax{1}{y}{n}}
${if bool_lax{0}{y}{n}}
${if bool_lax{2}{y}{n}}
${if bool_lax{-1}{y}{n}}
${if bool_lax{TRUE}{y}{n}}
${if bool_lax{Yes}{y}{n}}
${if bool_lax{}{y}{n}}
${if bool_lax{  }{y}{n}}
${if bool_lax{00}{y}{n}}
${if bool_lax{01}{y}{n}}
${if bool_lax{xyz}{y}{n}}
${if bool_lax{ true }{y}{n}}
${if bool_lax{no }{y}{n}}
${if bool_lax{1x}{y}{n}}
${if bool_lax{+1}{y}{n}}
${if isip{1.2.3.4}{y}{n}}
${if isip{1.2.3}{y}{n}}
${if isip{1.2.3.256}{y}{n}}
${if isip{::1}{y}{n}}
${if isip{2001:db8::1}{y}{n}}
${if isip{fe80::1%eth0}{y}{n}}
${if isip{}{y}{n}}
${if isip{[1.2.3.4]}{y}{n}}
${if isip{1.2.3.4/24}{y}{n}}
${if isip{::ffff:1.2.3.4}{y}{n}}
${if isip{1:2:3:4:5:6:7:8:9}{y}{n}}
${if isip{ 1.2.3.4}{y}{n}}
${if isip{01.2.3.4}{y}{n}}
${if isip4{1.2.3.4}{y}{n}}
${if isip4{1.2.3}{y}{n}}
${if isip4{1.2.3.256}{y}{n}}
${if isip4{::1}{y}{n}}
${if isip4{2001:db8::1}{y}{n}}
${if isip4{fe80::1%eth0}{y}{n}}
${if isip4{}{y}{n}}
${if isip4{[1.2.3.4]}{y}{n}}
${if isip4{1.2.3.4/24}{y}{n}}
${if isip4{::ffff:1.2.3.4}{y}{n}}
${if isip4{1:2:3:4:5:6:7:8:9}{y}{n}}
${if isip4{ 1.2.3.4}{y}{n}}
${if isip4{01.2.3.4}{y}{n}}
${if isip6{1.2.3.4}{y}{n}}
${if isip6{1.2.3}{y}{n}}
${if isip6{1.2.3.256}{y}{n}}
${if isip6{::1}{y}{n}}
${if isip6{2001:db8::1}{y}{n}}
${if isip6{fe80::1%eth0}{y}{n}}
${if isip6{}{y}{n}}
${if isip6{[1.2.3.4]}{y}{n}}
${if isip6{1.2.3.4/24}{y}{n}}
${if isip6{::ffff:1.2.3.4}{y}{n}}
${if isip6{1:2:3:4:5:6:7:8:9}{y}{n}}
${if isip6{ 1.2.3.4}{y}{n}}
${if isip6{01.2.3.4}{y}{n}}
${if def:primary_hostname{y}{n}}
${if def:sender_host_address{y}{n}}
${if def:nosuch{y}{n}}
${if def:h_subject:{y}{n}}
${if def:header_x:{y}{n}}
${if def:acl_c_x{y}{n}}
${if def:acl_m0{y}{n}}
${if def:sender_helo_name{y}{n}}
${if def:1{y}{n}}
${if def:tls_in_cipher{y}{n}}
${if def:local_part{y}{n}}
${if def:value{y}{n}}
${if def:item{y}{n}}
${if def:domain_data{y}{n}}
${if match{abc}{b}{y $0|$1|$2}{n}}
${if match{abc}{^b}{y $0|$1|$2}{n}}
${if match{abc}{(b)(c)}{y $0|$1|$2}{n}}
${if match{ABC}{(?i)abc}{y $0|$1|$2}{n}}
${if match{abc}{[}{y $0|$1|$2}{n}}
${if match{}{^$}{y $0|$1|$2}{n}}
${if match{a.b}{a\\.b}{y $0|$1|$2}{n}}
${if match{x}{\Nx\N}{y $0|$1|$2}{n}}
${if match{aXb}{a(.)b}{y $0|$1|$2}{n}}
${if exists{/etc/passwd}{y}{n}}
${if exists{/nosuch}{y}{n}}
${if exists{@DIR@/dir}{y}{n}}
${if exists{@DIR@/dir/link}{y}{n}}
${if exists{relative}{y}{n}}
${if exists{}{y}{n}}
${if exists{/etc/passwd:x}{y}{n}}
${if forall{}{>{$item}{0}}{y}{n}}
${if forall{}{match{$item}{^.}}{y $item}{n}}
${if forall{1:2:3}{>{$item}{0}}{y}{n}}
${if forall{1:2:3}{match{$item}{^.}}{y $item}{n}}
${if forall{<, 1, 2}{>{$item}{0}}{y}{n}}
${if forall{<, 1, 2}{match{$item}{^.}}{y $item}{n}}
${if forall{a:1}{>{$item}{0}}{y}{n}}
${if forall{a:1}{match{$item}{^.}}{y $item}{n}}
${if forall{::}{>{$item}{0}}{y}{n}}
${if forall{::}{match{$item}{^.}}{y $item}{n}}
${if forany{}{>{$item}{0}}{y}{n}}
${if forany{}{match{$item}{^.}}{y $item}{n}}
${if forany{1:2:3}{>{$item}{0}}{y}{n}}
${if forany{1:2:3}{match{$item}{^.}}{y $item}{n}}
${if forany{<, 1, 2}{>{$item}{0}}{y}{n}}
${if forany{<, 1, 2}{match{$item}{^.}}{y $item}{n}}
${if forany{a:1}{>{$item}{0}}{y}{n}}
${if forany{a:1}{match{$item}{^.}}{y $item}{n}}
${if forany{::}{>{$item}{0}}{y}{n}}
${if forany{::}{match{$item}{^.}}{y $item}{n}}
${if forall_json{[]}{match{$item}{[ab]}}{y}{n}}
${if forall_json{["a","b"]}{match{$item}{[ab]}}{y}{n}}
${if forall_json{[1,2]}{match{$item}{[ab]}}{y}{n}}
${if forall_json{["a",1]}{match{$item}{[ab]}}{y}{n}}
#! Exim crashes
${if forall_json{x}{match{$item}{[ab]}}{y}{n}}
${if forall_json{{"a":1}}{match{$item}{[ab]}}{y}{n}}
${if forall_json{["a,b","c"]}{match{$item}{[ab]}}{y}{n}}
${if forall_json{[["a"],"b"]}{match{$item}{[ab]}}{y}{n}}
${if forany_json{[]}{match{$item}{[ab]}}{y}{n}}
${if forany_json{["a","b"]}{match{$item}{[ab]}}{y}{n}}
${if forany_json{[1,2]}{match{$item}{[ab]}}{y}{n}}
${if forany_json{["a",1]}{match{$item}{[ab]}}{y}{n}}
#! Exim crashes
${if forany_json{x}{match{$item}{[ab]}}{y}{n}}
${if forany_json{{"a":1}}{match{$item}{[ab]}}{y}{n}}
${if forany_json{["a,b","c"]}{match{$item}{[ab]}}{y}{n}}
${if forany_json{[["a"],"b"]}{match{$item}{[ab]}}{y}{n}}
${if forall_jsons{[]}{match{$item}{[ab]}}{y}{n}}
${if forall_jsons{["a","b"]}{match{$item}{[ab]}}{y}{n}}
${if forall_jsons{[1,2]}{match{$item}{[ab]}}{y}{n}}
${if forall_jsons{["a",1]}{match{$item}{[ab]}}{y}{n}}
#! Exim crashes
${if forall_jsons{x}{match{$item}{[ab]}}{y}{n}}
${if forall_jsons{{"a":1}}{match{$item}{[ab]}}{y}{n}}
#! Exim splits JSON strings at their commas
${if forall_jsons{["a,b","c"]}{match{$item}{[ab]}}{y}{n}}
${if forall_jsons{[["a"],"b"]}{match{$item}{[ab]}}{y}{n}}
${if forany_jsons{[]}{match{$item}{[ab]}}{y}{n}}
${if forany_jsons{["a","b"]}{match{$item}{[ab]}}{y}{n}}
${if forany_jsons{[1,2]}{match{$item}{[ab]}}{y}{n}}
${if forany_jsons{["a",1]}{match{$item}{[ab]}}{y}{n}}
#! Exim crashes
${if forany_jsons{x}{match{$item}{[ab]}}{y}{n}}
${if forany_jsons{{"a":1}}{match{$item}{[ab]}}{y}{n}}
#! Exim splits JSON strings at their commas
${if forany_jsons{["a,b","c"]}{match{$item}{[ab]}}{y}{n}}
${if forany_jsons{[["a"],"b"]}{match{$item}{[ab]}}{y}{n}}
${if inlist{a}{a:b}{y $value}{n}}
${if inlist{A}{a:b}{y $value}{n}}
${if inlist{}{a:b}{y $value}{n}}
${if inlist{}{}{y $value}{n}}
${if inlist{a b}{<, a b,c}{y $value}{n}}
${if inlist{a}{aa:b}{y $value}{n}}
${if inlist{b}{<\n a\n b}{y $value}{n}}
${if inlist{c}{a:b}{y $value}{n}}
${if inlisti{a}{a:b}{y $value}{n}}
${if inlisti{A}{a:b}{y $value}{n}}
${if inlisti{}{a:b}{y $value}{n}}
${if inlisti{}{}{y $value}{n}}
${if inlisti{a b}{<, a b,c}{y $value}{n}}
${if inlisti{a}{aa:b}{y $value}{n}}
${if inlisti{b}{<\n a\n b}{y $value}{n}}
${if inlisti{c}{a:b}{y $value}{n}}
${if crypteq{test}{\{md5\}CY9rzUYh03PK3k6DJie09g==}{y}{n}}
${if crypteq{test}{\{md5\}098f6bcd4621d373cade4e832627b4f6}{y}{n}}
${if crypteq{test}{\{sha1\}qUqP5cyxm6YcTAhz05Hph5gvu9M=}{y}{n}}
${if crypteq{test}{\{sha1\}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3}{y}{n}}
${if crypteq{test}{\{crypt\}abgOeLfPimXQo}{y}{n}}
${if crypteq{test}{abgOeLfPimXQo}{y}{n}}
#! crypt16 is refused: nobody should have such passwords any more
${if crypteq{test}{\{crypt16\}xx}{y}{n}}
${if crypteq{test}{\{nosuch\}x}{y}{n}}
${if crypteq{test}{\{md5\}short}{y}{n}}
${if crypteq{test}{\{sha1\}x}{y}{n}}
${if crypteq{test}{}{y}{n}}
${if crypteq{test}{\$6\$saltsalt\$x}{y}{n}}
${if crypteq{test}{\{crypt\}\$1\$abc\$BXBqpb9BZcZhXLgbee.0s/}{y}{n}}
${if and{{eq{a}{a}}{eq{b}{b}}}{y}{n}}
${if and{{eq{a}{a}}{eq{b}{c}}}{y}{n}}
${if and{{eq{a}{b}}{nosuch{x}}}{y}{n}}
${if and{{eq{a}{a}} {eq{b}{b}} }{y}{n}}
${if and{}{y}{n}}
${if or{{eq{a}{b}}{eq{b}{b}}}{y}{n}}
${if or{{eq{a}{b}}{eq{b}{c}}}{y}{n}}
${if or{{eq{a}{a}}{nosuch{x}}}{y}{n}}
${if or{{and{{eq{a}{a}}{!eq{b}{b}}}}{bool{true}}}{y}{n}}
${if !and{{eq{a}{a}}{eq{b}{c}}}{y}{n}}
${if and{eq{a}{a}}{y}{n}}
${if or{{eq{a}{a}}{y}{n}}
${if or{{eq{a}{b}}{or{{match{abc}{b(.)}}{eq{a}{c}}}}}{$1}{n}}
${if and{{match{abc}{b(.)}}{eq{$1}{c}}}{y $1}{n}}
${if first_delivery{y}{n}}
${if queue_running{y}{n}}
#! not supported: design, refused
${if ldapauth{x}{y}{n}}
#! not supported: design, refused
${if pam{x:y}{y}{n}}
${if pwcheck{x:y}{y}{n}}
${if radius{x:y}{y}{n}}
#! not supported: design, refused
${if saslauthd{{x}{y}}{y}{n}}
${if inbound_srs{user}{secret}{y}{n}}
${if inbound_srs {SRS0=ZZZZ=ZZ=example.org=user}{secret}{y}{n}}
${if inbound_srs {SRS1=ZZZZ=x.example==ZZZZ=ZZ=example.org=user}{secret}{y}{n}}
${if inbound_srs {${local_part:${srs_encode{secret}{user@example.org}{example.com}}}}{secret}{y $srs_recipient}{n}}
${if inbound_srs {${local_part:${srs_encode{secret}{user@example.org}{example.com}}}}{other}{y $srs_recipient}{n}}
${if inbound_srs {${local_part:${srs_encode{secret}{user@example.org}{example.com}}}}{}{y $srs_recipient}{n}}
${if nosuch{a}{y}{n}}
${if eq {a} {a} {y} {n} }
${if eq{a}{a}x}
${if match{a}}
${if <{1}}
${if &{1}{2}{y}{n}}
${if ={1}{2}
#! another of two errors is told first
${if def:nosuch:{y}{n}}
${if def{y}{n}}
${if def:}
${if forany{a:b}}
${if forany{a:b}{eq{$item}{b}}{found}{none}}
${if forall{a:b}{eq{$item}{b}}{all}{none}}
${if forany{a:b}{nosuch}{y}{n}}
${if forany{<, a:1, b:2}{eq{${extract{1}{:}{$item}}}{b}}{y}{n}}
