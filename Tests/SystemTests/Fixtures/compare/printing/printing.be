${escape:é and ä}
${utf8_domain_to_alabel:a_é..b€}
${utf8_domain_from_alabel:xn--é}
${utf8_localpart_from_alabel:xn--é}
${hexquote:é}
${escape8bit:é}
${sg{é}{é}{ü}}
