# Made from the chapters of Exim's filter manual: what a test tells of commands, conditions and mistakes.
== deliver "a@b" deliver a@b
deliver "a@b"
deliver a@b
== deliver local
deliver local
== deliver a@b errors_to root
deliver a@b errors_to root
== deliver a@b errors_to root@example.org
deliver a@b errors_to root@example.org
== if "a" is "A" then testprint yes else testprint no endif if 
if "a" is "A" then testprint yes else testprint no endif
if "a" IS "A" then testprint yes else testprint no endif
if "abc" begins a then testprint yes endif
if "abc" does not begin a then testprint yes else testprint no endif
if "abc" ends BC then testprint yes endif
if "abc" is not abc then testprint yes else testprint no endif
if "abc" matches "^(a)(.)" then testprint "$1 $2" endif
if "abc" does not match x then testprint "no match" endif
if "abc" CONTAINS "B" then testprint yes else testprint no endif
if 10k is above 5 then testprint above endif
if 1 is not above 1 then testprint notabove endif
if 1 is below 2m then testprint below endif
if 1 is not below 2 then testprint x else testprint y endif
== if delivered then testprint yes else testprint no endif deli
if delivered then testprint yes else testprint no endif
deliver a@b
if delivered then testprint yes else testprint no endif
if error_message then testprint yes else testprint no endif
if first_delivery then testprint yes else testprint no endif
if manually_thawed then testprint yes else testprint no endif
if personal then testprint yes else testprint no endif
if personal alias bob@example.net alias carol@example.com then testprint yes else testprint no endif
== if foranyaddress $h_to:,$h_cc: ($thisaddress contains carol)
if foranyaddress $h_to:,$h_cc: ($thisaddress contains carol) then testprint "$thisaddress" else testprint no endif
testprint "<$thisaddress>"
== if foranyaddress "a b c" ($thisaddress contains carol) then 
if foranyaddress "a b c" ($thisaddress contains carol) then testprint "$thisaddress" else testprint no endif
== mail
mail
== mail text x text y
mail text x text y
== mail text "x" to "a@b,c@d" cc c@d bcc e@f from g@h reply_to 
mail text "x" to "a@b,c@d" cc c@d bcc e@f from g@h reply_to i@j subject "s t" extra_headers "X: y" expand file f return message log l once o once_repeat 3d
== mail text x file y
mail text x file y
== mail subject x
mail subject x
== vacation text "x" subject y file z once_repeat 2h
vacation text "x" subject y file z once_repeat 2h
== vacation once_repeat xx
vacation once_repeat xx
== save /x/y 99
save /x/y 99
== save /x/y 0640 deliver a@b
save /x/y 0640 deliver a@b
== save $h_nothing:
save $h_nothing:
== save "a b"
save "a b"
== pipe "x \ y"
pipe "x \
   y"
== pipe "a\tb\x41\101\q"
pipe "a\tb\x41\101\q"
== if ("a" is "a") then testprint 1 endif if (a is a) and (b is
if ("a" is "a") then testprint 1 endif
if (a is a) and (b is b) then testprint 2 endif
if a is a or b is c and c is d then testprint 3 endif
if a is b and b is c or c is c then testprint 4 endif
if not a is b then testprint 5 endif
if not(a is b)then testprint 6 endif
== if a is not b then testprint x endif if a does begin b then 
if a is not b then testprint x endif
if a does begin b then endif
== testprint "${if eq{a}{a}{x}fail}" testprint y
testprint "${if eq{a}{a}{x}fail}" testprint y
== seen mail text x
seen mail text x
== unseen mail text x
unseen mail text x
== seen deliver a@b
seen deliver a@b
== unseen save x noerror pipe y unseen noerror deliver a@b noer
unseen save x
noerror pipe y
unseen noerror deliver a@b
noerror unseen deliver a@b
== seen testprint x
seen testprint x
== logwrite x
logwrite x
== if -1 is below 2 then testprint y endif
if -1 is below 2 then testprint y endif
== testprint "a\nb\x01"
testprint "a\nb\x01"
== if a IS a then testprint 1 else testprint 2 endif
if a IS a then testprint 1 else testprint 2 endif
== deliver "A B <a@b>"
deliver "A B <a@b>"
== deliver /a/b
deliver /a/b
== deliver |x
deliver |x
== noerror noerror deliver a@b
noerror noerror deliver a@b
== if a is b then deliver a@b elif b is b then deliver c@d else
if a is b then deliver a@b elif b is b then deliver c@d else deliver e@f endif
if a is b then deliver a@b elif b is c then deliver c@d else deliver e@f endif
== if a does not contain b then testprint 1 endif if a does not
if a does not contain b then testprint 1 endif
if a does not end b then testprint 2 endif
if a does not match b then testprint 3 endif
if a DOES NOT CONTAIN A then testprint 4 endif
if a does not CONTAIN A then testprint 5 endif
if a IS NOT A then testprint 6 endif
if a MATCHES A then testprint 7 else testprint no endif
if a does match A then testprint 8 else testprint no endif
if a contain a then testprint 9 endif
== if 3 above 2 then testprint 1 endif
if 3 above 2 then testprint 1 endif
== if a is "not" then endif
if a is "not" then endif
== if not not a is a then testprint 1 endif
if not not a is a then testprint 1 endif
== if personal alias "x@y" and personal then testprint 1 endif
if personal alias "x@y" and personal then testprint 1 endif
== if foranyaddress "a@b, bad bad, c@d" ($thisaddress is c@d) t
if foranyaddress "a@b, bad bad, c@d" ($thisaddress is c@d) then testprint "$thisaddress" endif
if foranyaddress "g: a@b, x@y;, c@d" ($thisaddress contains @ and $thisaddress is x@y) then testprint "$thisaddress" endif
== mail to a@b text "x" extra_headers "bad"
mail to a@b text "x" extra_headers "bad"
== mail to "a b c" text x
mail to "a b c" text x
== mail subject "a\x01b" text x
mail subject "a\x01b" text x
== mail log "" text x
mail log "" text x
== pipe "$bad"
pipe "$bad"
== testprint "$sn1 $n0 $thisaddress $recipients"
testprint "$sn1 $n0 $thisaddress $recipients"
== alone mail text
mail text
== alone mail to a@b once_repeat 1h text
mail to a@b once_repeat 1h text
== alone finish
finish
== alone seen finish
seen finish
== alone unseen finish
unseen finish
== alone deliver
deliver
== alone deliver "not an address at all"
deliver "not an address at all" 
== alone foo bar
foo bar
== alone if then endif
if then endif
== alone if $h_subject: contains x then deliver a@b
if $h_subject: contains x then deliver a@b
== alone if $h_subject: conta x then endif
if $h_subject: conta x then endif
== alone fail text "no way"
fail text "no way"
== alone fail "no way"
fail "no way"
== alone freeze
freeze
== alone defer text "later"
defer text "later"
== alone headers charset "UTF-8" testprint "$h_subject:" headers char
headers charset "UTF-8"
testprint "$h_subject:"
headers charset iso-8859-1
testprint "$h_subject:"
== alone headers add "X-A: b"
headers add "X-A: b"
== alone headers remove Subject
headers remove Subject
== alone headers foo x
headers foo x
== alone mail foo x
mail foo x
== alone mail expand text x
mail expand text x
== alone mail return foo text x
mail return foo text x
== alone add 1 to n10
add 1 to n10
== alone add 1 to x
add 1 to x
== alone add x to n1
add x to n1
== alone add 1 n1
add 1 n1
== alone add -5 to n9 add 2k to n9 testprint "$n9"
add -5 to n9
add 2k to n9
testprint "$n9"
== alone save
save
== alone save /x/y abc
save /x/y abc
== alone pipe ""
pipe ""
== alone pipe "x
pipe "x
== alone deliver a@b # comment # comment deliver c@d#notcomment
deliver a@b # comment
# comment
deliver c@d#notcomment
== alone if $h_subject: contains money then deliver a@b endif endif
if $h_subject: contains money
then deliver a@b endif endif
== alone else
else
== alone if a is a then then testprint 1 endif
if a is a then then testprint 1 endif
== alone if a is a and then testprint 1 endif
if a is a and then testprint 1 endif
== alone if (a is a then testprint 1 endif
if (a is a then testprint 1 endif
== alone if a is a) then testprint 1 endif
if a is a) then testprint 1 endif
== alone if a isnt b then endif
if a isnt b then endif
== alone if a does not b c then endif
if a does not b c then endif
== alone if $bad then endif
if $bad then endif
== alone if ${bad is x then endif
if ${bad is x then endif
== alone testprint ${bad
testprint ${bad
== alone testprint "${if eq{a}{b}{x}fail}" testprint y
testprint "${if eq{a}{b}{x}fail}" testprint y
== alone deliver "${if eq{a}{b}{x}fail}" testprint y
deliver "${if eq{a}{b}{x}fail}" testprint y
== alone seen unseen deliver a@b
seen unseen deliver a@b
== alone noerror finish
noerror finish
== alone logfile
logfile
== alone if "abc" matches "(" then endif
if "abc" matches "(" then endif
== alone if 1x is above 2 then endif
if 1x is above 2 then endif
== alone if "" is above 2 then endif
if "" is above 2 then endif
== alone personal
personal
== alone headers charset
headers charset
== alone headers charset foo testprint "$h_subject:"
headers charset foo
testprint "$h_subject:"
== alone testprint
testprint
== alone DELIVER a@b
DELIVER a@b
== alone IF a IS a THEN testprint 1 ENDIF
IF a IS a THEN testprint 1 ENDIF
== alone deliver a@b,c@d
deliver a@b,c@d
== alone deliver :blackhole:
deliver :blackhole:
== alone deliver <>
deliver <>
== alone seen seen deliver a@b
seen seen deliver a@b
== alone seen
seen
== alone seen if a is a then deliver a@b endif
seen if a is a then deliver a@b endif
== alone unseen add 1 to n1
unseen add 1 to n1
== alone if a is a then endif then
if a is a then endif then
== alone if a is a deliver x@y endif
if a is a
  deliver x@y
endif
== alone deliver "x y
deliver "x
y
== alone deliver "x y" foo
deliver "x
y" foo
== alone if a is a then deliver a@b elif b is b then deliver c@d else
if a is a then
deliver a@b
elif b is b then
deliver c@d
else
deliver e@f
elif x is y then
endif
== alone if a is b then deliver a@b else deliver e@f else deliver g@h
if a is b then deliver a@b else deliver e@f else deliver g@h endif
== alone if a is above b then endif
if a is above b then endif
== alone if 3 not above 4 then testprint 1 endif
if 3 not above 4 then testprint 1 endif
== alone if a not contains b then testprint 1 endif
if a not contains b then testprint 1 endif
== alone if not is not then testprint 1 endif
if not is not then testprint 1 endif
== alone if personal alias then testprint 1 endif
if personal alias then testprint 1 endif
== alone if foranyaddress $h_to: then testprint 1 endif
if foranyaddress $h_to: then testprint 1 endif
== alone if $h_subject: contains money or then testprint 1 endif
if $h_subject: contains money or then testprint 1 endif
== alone if or then testprint 1 endif
if or then testprint 1 endif
== alone if ( ) then testprint 1 endif
if ( ) then testprint 1 endif
== alone if (a is a) (b is b) then testprint 1 endif
if (a is a) (b is b) then testprint 1 endif
== alone deliver(a@b)
deliver(a@b)
== alone if a(b is c then testprint 1 endif
if a(b is c then testprint 1 endif
== alone if "a(b" is a(b then testprint 1 endif
if "a(b" is a(b then testprint 1 endif
== alone mail from "x" to "y\nz" subject "a\nb" text "c\x01"
mail from "x" to "y\nz" subject "a\nb" text "c\x01"
== alone mail text "${bad"
mail text "${bad"
== alone mail subject "${bad" text x
mail subject "${bad" text x
== alone mail expand
mail expand
== alone save x y
save x y
== alone pipe a b
pipe a b
== alone add "" to n1
add "" to n1
== alone add 1 to ""
add 1 to ""
== alone add 1 to sn1
add 1 to sn1
== alone testprint "$foo"
testprint "$foo"
== alone deliver a@b errors_to
deliver a@b errors_to
== alone deliver a@b errors_to x@y
deliver a@b errors_to x@y
== alone (-f x@y.z) testprint "$sender_address $return_path $local_part@$domain 
testprint "$sender_address $return_path $local_part@$domain $local_part_prefix $local_part_suffix $recipients <$home>"
== alone (-f <>) if error_message then testprint yes endif
if error_message then testprint yes endif
== alone (-bfd dom.ain -bfl lp -bfp pre- -bfs -suf) testprint "$sender_address $return_path $local_part@$domain 
testprint "$sender_address $return_path $local_part@$domain $local_part_prefix $local_part_suffix $home"
if personal then testprint yes endif
== alone finish ends a filter
deliver a@b
finish
deliver c@d
== alone vacation of a bounce (sender)
if personal then vacation endif
== alone (-f owner-list@example.net) personal and a list's owner
if personal then testprint yes else testprint no endif
