# Letters beyond ASCII.
${certextract{version}{$tls_in_peercert}}
${certextract{serial_number}{$tls_in_peercert}}
#! control characters in names are written as numbers
${certextract{subject}{$tls_in_peercert}}
#! control characters in names are written as numbers
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
#! control characters in names are written as numbers
${certextract{subject,CN}{$tls_in_peercert}}
#! control characters in names are written as numbers
${certextract{subject,CN,>:}{$tls_in_peercert}}
#! control characters in names are written as numbers
${certextract{subject,CN,>;}{$tls_in_peercert}}
#! control characters in names are written as numbers
${certextract{subject,>:}{$tls_in_peercert}}
#! control characters in names are written as numbers
${certextract{subject,>#}{$tls_in_peercert}}
${certextract{subject,O}{$tls_in_peercert}}
