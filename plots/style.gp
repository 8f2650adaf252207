# style.gp - what every figure shares; loaded first.  page.gp follows when a script knows how high its picture is.
#
# bench plot sets: data (tab-separated, names in line 1), output, format (png or svg), scripts (this folder), title (the run and
# its machine), fixed (the axes that have one value).

set encoding utf8
set datafile separator "\t"

# Okabe and Ito 2008: told apart with every kind of colour vision; yellow is left out, it is too pale for lines.
palette_words = "#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #000000 #8C564B #7F7F7F"
colour(i) = word(palette_words, 1 + (int(i) - 1) % words(palette_words))
ink = "#222222"
pale = "#666666"

known(name, otherwise) = strcol(name) eq "NaN" ? otherwise : column(name)  # NaN: not measured
larger(a, b) = a > b ? a : b
text_width(n) = 6.9 * n                       # pixels that n characters take, roughly
# The middle of a text that is longer than n characters gives way; the data file has all of it.
shorten(s, n) = strlen(s) <= n ? s : s[1 : n / 2] . "…" . s[strlen(s) - n / 2 + 1 : *]
# Three digits that mean something.
digits(x) = x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : x >= 1 ? sprintf("%.2f", x) : \
            x >= 0.1 ? sprintf("%.3f", x) : x >= 0.01 ? sprintf("%.4f", x) : sprintf("%.3g", x)

set border 3 linecolor rgb "#888888"
set tics nomirror out scale 0.6 textcolor rgb ink
set grid linecolor rgb "#e6e6e6" linewidth 1 linetype 1
