# A certificate with everything, all modifiers, and where a certificate's variable may stand.
${certextract{version}{$tls_in_peercert}}
${certextract{serial_number}{$tls_in_peercert}}
${certextract{subject}{$tls_in_peercert}}
${certextract{issuer}{$tls_in_peercert}}
${certextract{notbefore}{$tls_in_peercert}}
${certextract{notafter}{$tls_in_peercert}}
${certextract{notbefore,int}{$tls_in_peercert}}
${certextract{notafter,int}{$tls_in_peercert}}
${certextract{sig_algorithm}{$tls_in_peercert}}
${certextract{signature}{$tls_in_peercert}}
${certextract{subj_altname}{$tls_in_peercert}}
${certextract{crl_uri}{$tls_in_peercert}}
${certextract{subj_altname}{$tls_in_peercert}{y $value}{n}}
${certextract{subj_altname,dns}{$tls_in_peercert}{y $value}{n}}
${certextract{subj_altname,uri}{$tls_in_peercert}{y $value}{n}}
${certextract{crl_uri}{$tls_in_peercert}{y $value}{n}}
${certextract{subject,OU}{$tls_in_peercert}{y $value}{n}}
${md5:$tls_in_peercert}
${sha1:$tls_in_peercert}
${sha256:$tls_in_peercert}
#! GnuTLS gives up where there is an address that is not for OCSP
${certextract{ocsp_uri}{$tls_in_peercert}}
#! GnuTLS gives up where there is an address that is not for OCSP
${certextract{ocsp_uri,>:}{$tls_in_peercert}}
#! GnuTLS gives up where there is an address that is not for OCSP
${certextract{ocsp_uri}{$tls_in_peercert}{y $value}{n}}
${certextract{subject,CN}{$tls_in_peercert}}
${certextract{subject,OU}{$tls_in_peercert}}
${certextract{subject,O}{$tls_in_peercert}}
${certextract{subject,DC}{$tls_in_peercert}}
${certextract{subject,cn}{$tls_in_peercert}}
${certextract{subject,EMAIL}{$tls_in_peercert}}
${certextract{subject,emailAddress}{$tls_in_peercert}}
${certextract{subject,OU,>:}{$tls_in_peercert}}
${certextract{subject,>:,OU}{$tls_in_peercert}}
${certextract{subject,>;}{$tls_in_peercert}}
${certextract{subject,>:}{$tls_in_peercert}}
${certextract{subject,>}{$tls_in_peercert}}
${certextract{subject,}{$tls_in_peercert}}
${certextract{subject, CN}{$tls_in_peercert}}
${certextract{subject,CN ,>:}{$tls_in_peercert}}
${certextract{issuer,XX}{$tls_in_peercert}}
${certextract{issuer,CN}{$tls_in_peercert}}
${certextract{version,int}{$tls_in_peercert}}
${certextract{serial_number,int}{$tls_in_peercert}}
${certextract{nosuch}{$tls_in_peercert}}
${certextract{}{$tls_in_peercert}}
${certextract{ version }{$tls_in_peercert}}
${certextract{Version}{$tls_in_peercert}}
${certextract{versionx}{$tls_in_peercert}}
${certextract{version x}{$tls_in_peercert}}
${certextract{vers}{$tls_in_peercert}}
${certextract{version ,}{$tls_in_peercert}}
${certextract{crl_uri,>:}{$tls_in_peercert}}
${certextract{crl_uri,>;}{$tls_in_peercert}}
${certextract{crl_uri,x}{$tls_in_peercert}}
${certextract{subj_altname,mail,>:}{$tls_in_peercert}}
${certextract{subj_altname,dns}{$tls_in_peercert}}
${certextract{subj_altname,>:,dns}{$tls_in_peercert}}
${certextract{subj_altname,dns,>;}{$tls_in_peercert}}
${certextract{subj_altname,uri,>:}{$tls_in_peercert}}
${certextract{subj_altname,>:}{$tls_in_peercert}}
${certextract{subj_altname,ip}{$tls_in_peercert}}
${certextract{subj_altname,MAIL}{$tls_in_peercert}}
${certextract{subj_altname,mail,dns}{$tls_in_peercert}}
${certextract{subj_altname,>}{$tls_in_peercert}}
${certextract{notbefore,foo}{$tls_in_peercert}}
${certextract{notbefore,int,x}{$tls_in_peercert}}
${certextract{notbefore ,int}{$tls_in_peercert}}
${certextract{notbefore, int}{$tls_in_peercert}}
${certextract{sig_algorithm,x}{$tls_in_peercert}}
${certextract{subject,CN,OU}{$tls_in_peercert}}
${certextract{subject,L}{$tls_in_peercert}}
${certextract{subject,UID}{$tls_in_peercert}}
${certextract{subject,ST}{$tls_in_peercert}}
${certextract{subject,C}{$tls_in_peercert}}
${certextract{version}{$tls_in_peercert}{yes $value}{no}}
${certextract{nosuch}{$tls_in_peercert}{yes $value}{no}}
${certextract{subj_altname,ip}{$tls_in_peercert}{yes}fail}
${certextract{version}{$tls_in_ourcert}{yes $value}{no}}
${certextract{version}{$tls_in_ourcert}{yes}fail}
${certextract{version}{$tls_out_peercert}{a}{b}}
${certextract{nosuch}{$tls_out_peercert}{a}{b}}
${certextract{version}{x$tls_in_peercert}}
${certextract{version}{ $tls_in_peercert }}
${certextract{version}{${tls_in_peercert}}}
$tls_in_peercert
x${length_3:$tls_in_peercert}
${sha1:$tls_in_peercert }
${sha256:x$tls_in_peercert}
${sha3:$tls_in_peercert}
${md5:${tls_in_peercert}}
${sha512:$tls_in_peercert}
${base64:$tls_in_peercert}
${if eq{$tls_in_peercert}{}{y}{n}}
${uc:$tls_in_peercert}
$tls_peercert
${if def:tls_in_peercert{y}{n}} ${if def:tls_in_ourcert{y}{n}}
${certextract{${if eq{a}{a}{version}}}{$tls_in_peercert}}
${strlen:$tls_in_peercert}
$value ${certextract{version}{$tls_in_peercert}{$value}} $value
${listcount:${certextract{subj_altname,>:}{$tls_in_peercert}}}
${map{<\n ${certextract{subj_altname,dns}{$tls_in_peercert}}}{($item)}}
#! a variable that does not exist is found when the string is read
${certextract{version}{$tls_peercert}}
