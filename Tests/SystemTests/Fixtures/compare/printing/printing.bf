== values with octets above 127
# Exim filter
testprint "é ü"
if "é" is "ü" then finish endif
mail to a@example.org subject "é" text "ü\n"
vacation subject "é"
logwrite "é"
