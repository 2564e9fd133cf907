# Lookups (chapter 9).
${lookup{one}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{one}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{one}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{one}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{one}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{two}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{two}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{two}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{two}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{two}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{ONE}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{ONE}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{ONE}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{ONE}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{ONE}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{quoted key}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{quoted key}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{quoted key}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{quoted key}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{quoted key}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{esc"aped}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{esc"aped}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{esc"aped}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{esc"aped}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{esc"aped}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{three}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{three}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{three}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{three}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{three}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{multi}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{multi}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{multi}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{multi}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{multi}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{empty}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{empty}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{empty}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{empty}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{empty}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{nocolon}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{nocolon}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{nocolon}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{nocolon}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{nocolon}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{nocolon value}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{nocolon value}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{nocolon value}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{nocolon value}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{nocolon value}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{upper}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{upper}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{upper}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{upper}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{upper}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{UPPER}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{UPPER}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{UPPER}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{UPPER}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{UPPER}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{a.wild.example}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{a.wild.example}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{a.wild.example}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{a.wild.example}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{a.wild.example}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{nosuch}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{nosuch}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{nosuch}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{nosuch}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{nosuch}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{*}lsearch{@DIR@/data}{<$value>}{none}}
${lookup{*}lsearch*{@DIR@/data}{<$value>}{none}}
${lookup{*}wildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{*}nwildlsearch{@DIR@/data}{<$value>}{none}}
${lookup{*}lsearch,ret=full{@DIR@/data}{<$value>}{none}}
${lookup{a.example}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a.example}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.example}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{b.a.example}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{x.deep.a.example}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{y.x.deep.a.example}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{example}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{*}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
#! Exim cuts the last letter of the key off
${lookup{a}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{a}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
#! Exim cuts the last letter of the key off
${lookup{none}partial0-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial1-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial2-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial3-lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial(.)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial2(*)lsearch{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}partial-lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{none}lsearch*{@DIR@/nodefault}{$value <$1> <$2>}{none}}
${lookup{user@a.example}lsearch*@{@DIR@/nodefault}{$value}{none}}
${lookup{user@a.example}lsearch@{@DIR@/nodefault}{$value}{none}}
${lookup{user@a.example}lsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{other@a.example}lsearch*@{@DIR@/nodefault}{$value}{none}}
${lookup{other@a.example}lsearch@{@DIR@/nodefault}{$value}{none}}
${lookup{other@a.example}lsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{x@b.example}lsearch*@{@DIR@/nodefault}{$value}{none}}
${lookup{x@b.example}lsearch@{@DIR@/nodefault}{$value}{none}}
${lookup{x@b.example}lsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{@a.example}lsearch*@{@DIR@/nodefault}{$value}{none}}
${lookup{@a.example}lsearch@{@DIR@/nodefault}{$value}{none}}
${lookup{@a.example}lsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{a.example}lsearch*@{@DIR@/nodefault}{$value}{none}}
${lookup{a.example}lsearch@{@DIR@/nodefault}{$value}{none}}
${lookup{a.example}lsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{192.0.2.7}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{192.0.2.7}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{192.0.2.7}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{192.0.2.9}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{192.0.2.9}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{192.0.2.9}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{10.9.9.9}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{10.9.9.9}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{10.9.9.9}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{2001:db8::5}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{2001:db8::5}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{2001:db8::5}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{11.0.0.1}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{11.0.0.1}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{11.0.0.1}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{x}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{x}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{x}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{}iplsearch{@DIR@/nodefault}{$value}{none}}
${lookup{}lsearch{@DIR@/nodefault}{$value}{none}}
${lookup{}iplsearch*{@DIR@/nodefault}{$value}{none}}
${lookup{123}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{123}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{a.suffix}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{a.suffix}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{exact}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{exact}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{EXACT}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{EXACT}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{CASE}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{CASE}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{cased}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{cased}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{abc}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{abc}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{no5}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{no5}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{mail.example.com}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{mail.example.com}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{}wildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{}nwildlsearch{@DIR@/wild}{$value $1}{none}}
${lookup{file}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{file}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{file}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{file}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{file}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{file}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{sub}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{sub}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{sub}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{sub}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{sub}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{sub}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{link}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{link}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{link}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{link}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{link}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{link}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{.hidden}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{.hidden}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{.hidden}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{.hidden}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{.hidden}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{.hidden}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{a b}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{a b}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{a b}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{a b}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{a b}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{a b}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{nosuch}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{nosuch}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{nosuch}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{nosuch}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{nosuch}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{nosuch}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{.}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{.}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{.}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{.}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{.}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{.}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{..}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{..}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{..}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{..}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{..}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{..}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{sub/..}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{sub/..}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{sub/..}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{sub/..}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{sub/..}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{sub/..}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{}dsearch{@DIR@/dir}{<$value>}{none}}
${lookup{}dsearch,ret=full{@DIR@/dir}{<$value>}{none}}
${lookup{}dsearch,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup{}dsearch,filter=dir{@DIR@/dir}{<$value>}{none}}
${lookup{}dsearch,filter=subdir{@DIR@/dir}{<$value>}{none}}
${lookup{}dsearch,ret=full,filter=file{@DIR@/dir}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select v from t where k='one'}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select v from t where k='nosuch'}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select k,v from t}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select * from m}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select v from t where k='${quote_sqlite:quo'te}'}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select v from t where k='nul'}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select b from m}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {nonsense}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select count(*) from t}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select a,b from m where a=1}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {delete from t where k='nosuch'}{<$value>}{none}}
${lookup sqlite,file=@DIR@/db.sqlite {select v from t where k='${quote_sqlite:it's}'}{<$value>}{none}}
${lookup sqlite{@DIR@/db.sqlite select v from t where k='one'}{<$value>}{none}}
${lookup sqlite{/nosuch/db select 1}{<$value>}{none}}
${lookup sqlite{select 1}{<$value>}{none}}
${lookup sqlite,file=/nosuch/db{select 1}{$value}{none}}
${lookup passwd{root}{$value}{none}}
${lookup{root}passwd{$value}{none}}
${lookup passwd{nosuchuser}{$value}{none}}
${lookup{nosuchuser}passwd{$value}{none}}
${lookup passwd{mail}{$value}{none}}
${lookup{mail}passwd{$value}{none}}
${lookup passwd{}{$value}{none}}
${lookup{}passwd{$value}{none}}
${lookup{one}lsearch{@DIR@/data}}
${lookup{nosuch}lsearch{@DIR@/data}}
${lookup{nosuch}lsearch{@DIR@/data}fail}
${lookup{nosuch}lsearch{@DIR@/data}{y}fail}
${lookup{one}lsearch{@DIR@/data}{y}{n}{z}}
${lookup{one}lsearch{@DIR@/nosuch}{y}{n}}
${lookup{one}lsearch{relative}{y}{n}}
${lookup{one}lsearch{@DIR@/dir}{y}{n}}
${lookup{one}nosuch{@DIR@/data}{y}{n}}
${lookup one lsearch{@DIR@/data}{y}{n}}
${lookup{one}lsearch{}{y}{n}}
${lookup{one} lsearch {@DIR@/data} {<$value>} {n}}
${lookup lsearch{@DIR@/data}{y}{n}}
${lookup{x}sqlite{@DIR@/db.sqlite select 1}{y}{n}}
${lookup{x}cdb{@DIR@/nosuch.cdb}{y}{n}}
#! words of an error
${lookup{x}cdb{@DIR@/data}{y}{n}}
${lookup{one}lsearch,nosuch=x{@DIR@/data}{$value}{n}}
${lookup{one}lsearch,cache=no_rd{@DIR@/data}{$value}{n}}
${lookup{one}lsearch,ret=key{@DIR@/data}{$value}{n}}
${lookup{ONE}lsearch,ret=key{@DIR@/data}{$value}{n}}
${lookup{a}partial-passwd{root}{y}{n}}
${lookup{a}partialx-lsearch{@DIR@/data}{y}{n}}
#! letters after the star are refused
${lookup{one}lsearch*x{@DIR@/data}{y}{n}}
${lookup{pair}lsearch{@DIR@/data}{${extract{b}{$value}}}}
${lookup{list}lsearch{@DIR@/data}{${listextract{2}{$value}}}}
${extract{b}{${lookup{pair}lsearch{@DIR@/data}}}}
${lookup{${lookup{two}lsearch{@DIR@/data}}}lsearch{@DIR@/data}{y}{n}}
${lookup{one}lsearch{@DIR@/data}{${lookup{two}lsearch{@DIR@/data}}}}
#! the installed Exim is built without it
${lookup{a}json{@DIR@/words.json}{<$value>}{none}}
#! the installed Exim is built without it
${lookup{b}json{@DIR@/words.json}{<$value>}{none}}
#! the installed Exim is built without it
${lookup{c}json{@DIR@/words.json}{<$value>}{none}}
#! the installed Exim is built without it
${lookup{c:1}json{@DIR@/words.json}{<$value>}{none}}
#! the installed Exim is built without it
${lookup{e:f}json{@DIR@/words.json}{<$value>}{none}}
#! the installed Exim is built without it
${lookup{nosuch}json{@DIR@/words.json}{<$value>}{none}}
#! not built in
${lookup mysql{select 1}{y}{n}}
${lookup pgsql{select 1}{y}{n}}
#! Exim is built without it
${lookup redis{get x}{y}{n}}
${lookup dnsdb{}{y}{n}}
${lookup dnsdb{nosuchtype=x}{y}{n}}
${lookup dnsdb{a=}{y}{n}}
${lookup{x}dsearch{/nosuch}{y}{n}}
${lookup{x}dsearch{relative}{y}{n}}
${lookup{file}dsearch,filter=nosuch{@DIR@/dir}{y}{n}}
