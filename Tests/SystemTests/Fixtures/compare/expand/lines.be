# Variables and headers over a message.
<$message_body>
<$message_body_end>
<$message_body_size>
#! blanks at the end of a folded line stay
<$message_headers>
<$message_headers_raw>
<$message_linecount>
<$message_size>
#! Exim does not count the last line here
<$body_linecount>
<$body_zerocount>
#! Exim counts the line that it would add
<$received_count>
<$recipients>
<$recipients_count>
<$reply_address>
<$sender_address>
<$max_received_linelength>
<$rcpt_count>
<$h_from:>
<$h_From:>
<$h_to:>
<$h_cc:>
<$h_subject:>
<$rh_subject:>
<$bh_subject:>
<$lh_subject:>
<$lh_received:>
<$lh_to:>
<$rh_received:>
<$h_received:>
<$h_x-folded:>
<$rh_x-folded:>
<$bh_x-folded:>
<$lh_x-folded:>
<$h_x-empty:>
<$rh_x-empty:>
<$h_x-numbers:>
<$lh_x-numbers:>
<$h_nosuch:>
<$header_date:>
<$rheader_to:>
<$bheader_cc:>
<$lheader_cc:>
<$h_message-id:>
<$h_return-path:>
<$h_reply-to:>
${if def:h_subject:{y}{n}}
${if def:h_x-empty:{y}{n}}
${if def:h_nosuch:{y}{n}}
${if def:bh_cc:{y}{n}}
${address:$h_from:}
${addresses:$h_to:}
${addresses:$h_cc:}
${addresses:<+ $h_cc:}
${addresses:>; $h_cc:}
${addresses:>+ $h_to:, $h_cc:}
${domain:$h_from:}
${listcount:$lh_received:}
${listextract{2}{$lh_received:}}
${map{<, $h_to:}{<$item>}}
${filter{<, ${addresses:>, $h_to:,$h_cc:}}{match_domain{${domain:$item}}{example.com}}}
${rfc2047d:$rh_subject:}
${substr_0_10:$message_body}
${strlen:$message_body}
${if match{$message_body}{Second}{y}{n}}
#! blanks at the end of a folded line stay
${sg{$message_headers}{\n}{|}}
${length_20:$message_headers_raw}
${extract{2}{:}{$h_x-numbers:}}
${sha1:$h_subject:}
${md5:$rh_from:}
${uc:$h_subject:}
${quote:$h_from:}
${escape:$h_subject:}
${if forany{<, $h_to:}{match{$item}{second}}{y}{n}}
$h_from
$h_from :x
${h_from:}
${header_subject}
$h_subject: and $h_date:
${lc:$h_from:}${uc:$h_to:}
$header_from:
${lookup{$h_x-numbers:}lsearch{@DIR@/data}{y}{n}}
${reduce{<, $h_to:}{0}{${eval:$value+1}}}
${if eq{$h_reply-to:}{reply@example.org}{y}{n}}
${expand:$h_from:}
#! refused before it is tried: tainted
${readfile{$h_x-numbers:}}
${lookup{a}lsearch{$h_x-empty:/x}}
${run{/bin/echo $h_x-numbers:}}
#! refused before it is tried: tainted
${run{$h_x-numbers:}}
${if exists{$h_from:}{y}{n}}
