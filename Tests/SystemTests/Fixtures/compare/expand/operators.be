# Every operator of the manual (11.6) over texts that it likes and texts that it does not.
${lc:}
${lc:abc}
${lc:Hello World}
${lc:a b\tc}
${lc:\xc3\xa9t\xc3\xa9}
${lc:\xe9}
${lc:x"y\\z}
${lc:  sp  }
${lc:a\nb}
${uc:}
${uc:Hello World}
${uc:x"y\\z}
${uc:\xc3\xa9t\xc3\xa9}
${strlen:}
${strlen:abc}
${strlen:Hello World}
${strlen:a b\tc}
${strlen:\xc3\xa9t\xc3\xa9}
${strlen:\xe9}
${strlen:x"y\\z}
${strlen:  sp  }
${strlen:a\nb}
${length_2:}
${length_2:Hello World}
${length_2:x"y\\z}
${length_2:\xc3\xa9t\xc3\xa9}
${length_0:}
${length_0:Hello World}
${length_0:x"y\\z}
${length_0:\xc3\xa9t\xc3\xa9}
${substr_1:}
${substr_1:Hello World}
${substr_1:x"y\\z}
${substr_1:\xc3\xa9t\xc3\xa9}
${substr_1_2:}
${substr_1_2:abc}
${substr_1_2:Hello World}
${substr_1_2:a b\tc}
${substr_1_2:\xc3\xa9t\xc3\xa9}
${substr_1_2:\xe9}
${substr_1_2:x"y\\z}
${substr_1_2:  sp  }
${substr_1_2:a\nb}
${substr_-2:}
${substr_-2:Hello World}
${substr_-2:x"y\\z}
${substr_-2:\xc3\xa9t\xc3\xa9}
${substr_-3_2:}
${substr_-3_2:Hello World}
${substr_-3_2:x"y\\z}
${substr_-3_2:\xc3\xa9t\xc3\xa9}
${substr_2_0:}
${substr_2_0:Hello World}
${substr_2_0:x"y\\z}
${substr_2_0:\xc3\xa9t\xc3\xa9}
${hash_2:}
${hash_2:Hello World}
${hash_2:x"y\\z}
${hash_2:\xc3\xa9t\xc3\xa9}
${hash_3_10:}
${hash_3_10:Hello World}
${hash_3_10:x"y\\z}
${hash_3_10:\xc3\xa9t\xc3\xa9}
${nhash_7:}
${nhash_7:Hello World}
${nhash_7:x"y\\z}
${nhash_7:\xc3\xa9t\xc3\xa9}
${nhash_5_9:}
${nhash_5_9:Hello World}
${nhash_5_9:x"y\\z}
${nhash_5_9:\xc3\xa9t\xc3\xa9}
${md5:}
${md5:Hello World}
${sha1:}
${sha1:Hello World}
${sha256:}
${sha256:Hello World}
${sha2:}
${sha2:Hello World}
${sha2_384:}
${sha2_384:Hello World}
${sha2_512:}
${sha2_512:Hello World}
${sha3:}
${sha3:Hello World}
${sha3_224:}
${sha3_224:Hello World}
${sha3_256:}
${sha3_256:Hello World}
${sha3_256:x"y\\z}
${sha3_256:\xc3\xa9t\xc3\xa9}
${sha3_384:}
${sha3_384:Hello World}
${sha3_512:}
${sha3_512:Hello World}
${base64:}
${base64:abc}
${base64:Hello World}
${base64:a b\tc}
${base64:\xc3\xa9t\xc3\xa9}
${base64:\xe9}
${base64:x"y\\z}
${base64:  sp  }
${base64:a\nb}
${str2b64:}
${str2b64:Hello World}
${str2b64:x"y\\z}
${str2b64:\xc3\xa9t\xc3\xa9}
${escape:}
${escape:abc}
${escape:Hello World}
${escape:a b\tc}
${escape:\xc3\xa9t\xc3\xa9}
${escape:\xe9}
${escape:x"y\\z}
${escape:  sp  }
${escape:a\nb}
${escape8bit:}
${escape8bit:abc}
${escape8bit:Hello World}
${escape8bit:a b\tc}
${escape8bit:\xc3\xa9t\xc3\xa9}
${escape8bit:\xe9}
${escape8bit:x"y\\z}
${escape8bit:  sp  }
${escape8bit:a\nb}
${hexquote:}
${hexquote:abc}
${hexquote:Hello World}
${hexquote:a b\tc}
${hexquote:\xc3\xa9t\xc3\xa9}
${hexquote:\xe9}
${hexquote:x"y\\z}
${hexquote:  sp  }
${hexquote:a\nb}
${quote:}
${quote:abc}
${quote:Hello World}
${quote:a b\tc}
${quote:\xc3\xa9t\xc3\xa9}
${quote:\xe9}
${quote:x"y\\z}
${quote:  sp  }
${quote:a\nb}
${quote_local_part:}
${quote_local_part:abc}
${quote_local_part:Hello World}
${quote_local_part:a b\tc}
${quote_local_part:\xc3\xa9t\xc3\xa9}
${quote_local_part:\xe9}
${quote_local_part:x"y\\z}
${quote_local_part:  sp  }
${quote_local_part:a\nb}
${rxquote:}
${rxquote:abc}
${rxquote:Hello World}
${rxquote:a b\tc}
${rxquote:\xc3\xa9t\xc3\xa9}
${rxquote:\xe9}
${rxquote:x"y\\z}
${rxquote:  sp  }
${rxquote:a\nb}
${rfc2047:}
${rfc2047:abc}
${rfc2047:Hello World}
${rfc2047:a b\tc}
${rfc2047:\xc3\xa9t\xc3\xa9}
${rfc2047:\xe9}
${rfc2047:x"y\\z}
${rfc2047:  sp  }
${rfc2047:a\nb}
${quote_lsearch:}
${quote_lsearch:Hello World}
${quote_lsearch:x"y\\z}
${quote_lsearch:\xc3\xa9t\xc3\xa9}
${quote_dnsdb:}
${quote_dnsdb:Hello World}
${quote_dnsdb:x"y\\z}
${quote_dnsdb:\xc3\xa9t\xc3\xa9}
${quote_sqlite:}
${quote_sqlite:Hello World}
${quote_sqlite:x"y\\z}
${quote_sqlite:\xc3\xa9t\xc3\xa9}
${quote_mysql:}
${quote_mysql:Hello World}
${quote_mysql:x"y\\z}
${quote_mysql:\xc3\xa9t\xc3\xa9}
${quote_pgsql:}
${quote_pgsql:Hello World}
${quote_pgsql:x"y\\z}
${quote_pgsql:\xc3\xa9t\xc3\xa9}
#! not built in
${quote_ldap:}
#! not built in
${quote_ldap:Hello World}
#! not built in
${quote_ldap:x"y\\z}
#! not built in
${quote_ldap:\xc3\xa9t\xc3\xa9}
#! not built in
${quote_ldap_dn:}
#! not built in
${quote_ldap_dn:Hello World}
#! not built in
${quote_ldap_dn:x"y\\z}
#! not built in
${quote_ldap_dn:\xc3\xa9t\xc3\xa9}
#! not built in
${quote_nis:}
#! not built in
${quote_nis:Hello World}
#! not built in
${quote_nis:x"y\\z}
#! not built in
${quote_nis:\xc3\xa9t\xc3\xa9}
${base32:}
${base32:0}
${base32:1}
${base32:61}
${base32:12345678}
${base32:4294967295}
#! numbers that do not fit are refused
${base32:-1}
${base32:abc}
${base32:1.5}
${base32: 7}
${base32:0x1f}
#! numbers that do not fit are refused
${base32:99999999999999999999}
${base62:}
${base62:0}
${base62:1}
${base62:61}
${base62:12345678}
${base62:4294967295}
#! numbers that do not fit are refused
${base62:-1}
${base62:abc}
${base62:1.5}
${base62: 7}
${base62:0x1f}
#! numbers that do not fit are refused
${base62:99999999999999999999}
${time_interval:}
${time_interval:0}
${time_interval:1}
${time_interval:61}
${time_interval:12345678}
#! numbers that do not fit are not cut
${time_interval:4294967295}
${time_interval:-1}
${time_interval:abc}
${time_interval:1.5}
${time_interval: 7}
${time_interval:0x1f}
#! numbers that do not fit are not cut
${time_interval:99999999999999999999}
${address:}
${address:a@b.c}
${address:Foo <a@b.c>}
${address:"Q, x" <"a b"@c.d> (comment)}
${address:<>}
${address:@route:a@b}
${address:a}
${address:a@}
${address:x@[1.2.3.4]}
${address:a@b, c@d}
${address:grp: a@b;}
${address:a.b.@c}
${address:A@B.C}
${addresses:}
${addresses:a@b.c}
${addresses:Foo <a@b.c>}
${addresses:"Q, x" <"a b"@c.d> (comment)}
${addresses:<>}
${addresses:@route:a@b}
${addresses:a}
${addresses:a@}
${addresses:x@[1.2.3.4]}
${addresses:a@b, c@d}
${addresses:grp: a@b;}
${addresses:a.b.@c}
${addresses:A@B.C}
${domain:}
${domain:a@b.c}
${domain:Foo <a@b.c>}
${domain:"Q, x" <"a b"@c.d> (comment)}
${domain:<>}
${domain:@route:a@b}
${domain:a}
${domain:a@}
${domain:x@[1.2.3.4]}
${domain:a@b, c@d}
${domain:grp: a@b;}
${domain:a.b.@c}
${domain:A@B.C}
${local_part:}
${local_part:a@b.c}
${local_part:Foo <a@b.c>}
${local_part:"Q, x" <"a b"@c.d> (comment)}
${local_part:<>}
${local_part:@route:a@b}
${local_part:a}
${local_part:a@}
${local_part:x@[1.2.3.4]}
${local_part:a@b, c@d}
${local_part:grp: a@b;}
${local_part:a.b.@c}
${local_part:A@B.C}
${quote_local_part:}
${quote_local_part:a@b.c}
${quote_local_part:Foo <a@b.c>}
${quote_local_part:"Q, x" <"a b"@c.d> (comment)}
${quote_local_part:<>}
${quote_local_part:@route:a@b}
${quote_local_part:a}
${quote_local_part:a@}
${quote_local_part:x@[1.2.3.4]}
${quote_local_part:a@b, c@d}
${quote_local_part:grp: a@b;}
${quote_local_part:a.b.@c}
${quote_local_part:A@B.C}
${ipv6norm:}
${ipv6norm:192.0.2.130}
${ipv6norm:2001:db8::1}
#! Exim shows one colon
${ipv6norm:::}
${ipv6norm:::ffff:10.0.0.1}
${ipv6norm:1.2.3}
${ipv6norm:[1.2.3.4]}
${ipv6norm:fe80::1%eth0}
${ipv6norm:256.1.1.1}
${ipv6norm:1:2:3:4:5:6:7:8}
${ipv6denorm:}
${ipv6denorm:192.0.2.130}
${ipv6denorm:2001:db8::1}
${ipv6denorm:::}
${ipv6denorm:::ffff:10.0.0.1}
${ipv6denorm:1.2.3}
${ipv6denorm:[1.2.3.4]}
${ipv6denorm:fe80::1%eth0}
${ipv6denorm:256.1.1.1}
${ipv6denorm:1:2:3:4:5:6:7:8}
${reverse_ip:}
${reverse_ip:192.0.2.130}
${reverse_ip:2001:db8::1}
${reverse_ip:::}
${reverse_ip:::ffff:10.0.0.1}
${reverse_ip:1.2.3}
${reverse_ip:[1.2.3.4]}
${reverse_ip:fe80::1%eth0}
${reverse_ip:256.1.1.1}
${reverse_ip:1:2:3:4:5:6:7:8}
${mask:}
${mask:192.0.2.130}
${mask:2001:db8::1}
${mask:::}
${mask:::ffff:10.0.0.1}
${mask:1.2.3}
${mask:[1.2.3.4]}
${mask:fe80::1%eth0}
${mask:256.1.1.1}
${mask:1:2:3:4:5:6:7:8}
${mask:192.0.2.130/24}
${mask:10.1.2.3/0}
${mask:10.1.2.3/32}
${mask:2001:db8:1:2:3:4:5:6/48}
${mask:::1/128}
${mask:1.2.3.4}
${mask:1.2.3.4/33}
${mask:x/8}
${mask:2001:db8::/129}
${mask:1.2.3.4/}
${mask_n:192.0.2.130/24}
${mask_n:10.1.2.3/0}
${mask_n:10.1.2.3/32}
${mask_n:2001:db8:1:2:3:4:5:6/48}
${mask_n:::1/128}
${mask_n:1.2.3.4}
${mask_n:1.2.3.4/33}
${mask_n:x/8}
${mask_n:2001:db8::/129}
${mask_n:1.2.3.4/}
${base64d:}
${base64d:YWJj}
${base64d:YWI=}
${base64d:YQ==}
${base64d:Y}
${base64d:YW Jj}
${base64d:####}
${base64d:aGVsbG8gd29ybGQ=}
${base62d:}
${base62d:YWJj}
${base62d:YWI=}
${base62d:YQ==}
${base62d:Y}
${base62d:YW Jj}
${base62d:####}
${base62d:aGVsbG8gd29ybGQ=}
${base32d:}
${base32d:YWJj}
${base32d:YWI=}
${base32d:YQ==}
${base32d:Y}
${base32d:YW Jj}
${base32d:####}
${base32d:aGVsbG8gd29ybGQ=}
${time_eval:}
${time_eval:0}
${time_eval:1}
${time_eval:59}
${time_eval:60}
${time_eval:3600}
${time_eval:3661}
${time_eval:86400}
${time_eval:604800}
${time_eval:1209661}
${time_eval:x}
${time_eval:-1}
${time_eval:1w2d3h4m5s}
${time_eval:5m}
${time_eval:1h1h}
${time_eval:10}
${time_interval:}
${time_interval:0}
${time_interval:1}
${time_interval:59}
${time_interval:60}
${time_interval:3600}
${time_interval:3661}
${time_interval:86400}
${time_interval:604800}
${time_interval:1209661}
${time_interval:x}
${time_interval:-1}
${time_interval:1w2d3h4m5s}
${time_interval:5m}
${time_interval:1h1h}
${time_interval:10}
${eval:}
${eval:1}
${eval:1+2}
${eval:7/2}
${eval:-7/2}
${eval:7%3}
${eval:2*3+4*5}
${eval:(1+2)*3}
${eval:1<<10}
${eval:256>>4}
${eval:6&3}
${eval:6|3}
${eval:6^3}
${eval:~0}
${eval:!0}
${eval:1k}
${eval:1K}
${eval:2M}
${eval:0x10}
${eval:010}
${eval:09}
${eval:1/0}
${eval:5%0}
${eval:3 - -2}
${eval:--3}
${eval:1==1}
${eval:2**3}
${eval:9223372036854775807}
${eval:1+}
${eval:)}
${eval:0b1}
${eval:10-3-2}
${eval:100/10/2}
${eval10:}
${eval10:1}
${eval10:1+2}
${eval10:7/2}
${eval10:-7/2}
${eval10:7%3}
${eval10:2*3+4*5}
${eval10:(1+2)*3}
${eval10:1<<10}
${eval10:256>>4}
${eval10:6&3}
${eval10:6|3}
${eval10:6^3}
${eval10:~0}
${eval10:!0}
${eval10:1k}
${eval10:1K}
${eval10:2M}
${eval10:0x10}
${eval10:010}
${eval10:09}
${eval10:1/0}
${eval10:5%0}
${eval10:3 - -2}
${eval10:--3}
${eval10:1==1}
${eval10:2**3}
${eval10:9223372036854775807}
${eval10:1+}
${eval10:)}
${eval10:0b1}
${eval10:10-3-2}
${eval10:100/10/2}
${listcount:}
${listcount:a}
${listcount:a:b}
${listcount:a:b:}
${listcount::a}
${listcount:a::b}
${listcount:<;a;b}
${listcount:<, a, b ,}
${listcount:<\n a\n b}
${listcount: : }
${listnamed:local_domains}
${listnamed:nested}
${listnamed:relay}
${listnamed:bad}
${listnamed:lp}
${listnamed:nosuch}
${listnamed:}
${listnamed_d:local_domains}
${listnamed_d:nested}
${listnamed_d:relay}
${listnamed_d:bad}
${listnamed_d:lp}
${listnamed_d:nosuch}
${listnamed_d:}
${listnamed_h:local_domains}
${listnamed_h:nested}
${listnamed_h:relay}
${listnamed_h:bad}
${listnamed_h:lp}
${listnamed_h:nosuch}
${listnamed_h:}
${listnamed_a:local_domains}
${listnamed_a:nested}
${listnamed_a:relay}
${listnamed_a:bad}
${listnamed_a:lp}
${listnamed_a:nosuch}
${listnamed_a:}
${listnamed_l:local_domains}
${listnamed_l:nested}
${listnamed_l:relay}
${listnamed_l:bad}
${listnamed_l:lp}
${listnamed_l:nosuch}
${listnamed_l:}
${utf8clean:abc}
${utf8clean:\xc3\xa9}
${utf8clean:\xff}
${utf8clean:\xc3}
${utf8clean:\xed\xa0\x80}
${utf8clean:\xf0\x9f\x98\x80}
${utf8clean:\xc0\x80}
${from_utf8:abc}
${from_utf8:\xc3\xa9}
${from_utf8:\xff}
#! what is no UTF-8 is one underscore
${from_utf8:\xc3}
${from_utf8:\xed\xa0\x80}
${from_utf8:\xf0\x9f\x98\x80}
#! what is no UTF-8 is one underscore
${from_utf8:\xc0\x80}
${utf8_domain_to_alabel:abc}
${utf8_domain_to_alabel:\xc3\xa9}
${utf8_domain_to_alabel:\xff}
${utf8_domain_to_alabel:\xc3}
${utf8_domain_to_alabel:\xed\xa0\x80}
${utf8_domain_to_alabel:\xf0\x9f\x98\x80}
${utf8_domain_to_alabel:\xc0\x80}
${utf8_domain_from_alabel:abc}
${utf8_domain_from_alabel:\xc3\xa9}
${utf8_domain_from_alabel:\xff}
${utf8_domain_from_alabel:\xc3}
${utf8_domain_from_alabel:\xed\xa0\x80}
${utf8_domain_from_alabel:\xf0\x9f\x98\x80}
${utf8_domain_from_alabel:\xc0\x80}
${utf8_localpart_to_alabel:abc}
${utf8_localpart_to_alabel:\xc3\xa9}
${utf8_localpart_to_alabel:\xff}
${utf8_localpart_to_alabel:\xc3}
${utf8_localpart_to_alabel:\xed\xa0\x80}
${utf8_localpart_to_alabel:\xf0\x9f\x98\x80}
${utf8_localpart_to_alabel:\xc0\x80}
${utf8_localpart_from_alabel:abc}
${utf8_localpart_from_alabel:\xc3\xa9}
${utf8_localpart_from_alabel:\xff}
${utf8_localpart_from_alabel:\xc3}
${utf8_localpart_from_alabel:\xed\xa0\x80}
${utf8_localpart_from_alabel:\xf0\x9f\x98\x80}
${utf8_localpart_from_alabel:\xc0\x80}
${rfc2047d:plain}
${rfc2047d:=?utf-8?Q?a=C3=A9?=}
${rfc2047d:=?iso-8859-1?Q?=E9?= x}
${rfc2047d:=?utf-8?B?w6k=?= =?utf-8?B?w6k=?=}
${rfc2047d:=?us-ascii?Q?a_b?=}
${rfc2047d:=?x?Q?a?=}
${rfc2047d:=?utf-8?Q?a}
${rfc2047d:=?windows-1252?Q?=80?=}
${hex2b64:}
${hex2b64:00}
${hex2b64:616263}
${hex2b64:6}
${hex2b64:zz}
${hex2b64:DEADbeef}
