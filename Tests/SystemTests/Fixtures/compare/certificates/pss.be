# RSA-PSS.
${certextract{sig_algorithm}{$tls_in_peercert}}
${certextract{serial_number}{$tls_in_peercert}}
${certextract{notbefore}{$tls_in_peercert}}
${certextract{notafter}{$tls_in_peercert}}
${certextract{issuer}{$tls_in_peercert}}
