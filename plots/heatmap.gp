# heatmap.gp - ms/token by format and context; colour is logarithmic, the number stands in each field.
# Empty when no trial of the run is ok; bench show says why.

load scripts."/style.gp"
stats data using (column("row")) name "R" nooutput
stats data using (column("column")) name "C" nooutput
stats data using (known("ms_per_token", 0)) name "Y" nooutput
rows = int(R_max)
columns = int(C_max)
array label[rows]
array context[columns]
least = Y_max
stats data using (r = int(column("row")), c = int(column("column")), label[r] = shorten(strcol("label"), 76), \
    context[c] = column("context"), least = (known("ms_per_token", least) < least ? column("ms_per_token") : least), 0) nooutput
longest = 0
do for [i = 1:rows] { longest = larger(longest, strlen(label[i])) }

height = 66 + 38 * rows
heading = "Time per decoded token (ms)"
load scripts."/page.gp"

unset key
unset grid
set border 0
set tics scale 0
set lmargin at screen (30 + text_width(longest)) / width
set rmargin at screen 0.88
set bmargin at screen 62.0 / height
set xrange [0.5 : columns + 0.5]
set yrange [rows + 0.5 : 0.5]
set xtics ()
do for [i = 1:columns] { set xtics add (sprintf("%d", context[i]) i) }
set ytics ()
do for [i = 1:rows] { set ytics add (label[i] i) }
set xlabel "tokens in the KV cache when decoding starts" textcolor rgb ink

# From light to dark blue (ColorBrewer Blues, Harrower and Brewer 2003): legible in grey too.
set palette defined (0 "#deebf7", 0.35 "#9ecae1", 0.7 "#4292c6", 1 "#08306b")
set logscale cb
# A range of a few percent does not get all the colours.
most = larger(Y_max, 1.5 * least)
set cbrange [least * 0.98 : most * 1.02]
# The numbers say it already: the bar only shows which way the colours go.
if (Y_max > 1.05 * least) {
    set colorbox user origin screen 0.91, screen 62.0 / height size screen 0.02, screen (height - top - 72) / height
    set cbtics (digits(least) least, digits(Y_max) Y_max) scale 0 textcolor rgb ink
} else {
    unset colorbox
}

dark(x) = log(x / least) > 0.72 * log(most / least)
has_value(x) = strcol("ms_per_token") eq "NaN" ? NaN : x
has_none(x) = strcol("ms_per_token") eq "NaN" ? x : NaN

# What could not be measured is hatched, with the word for why.
plot data using (has_none(column("column"))):(column("row")):(0.485):(0.47) with boxxyerror \
         fillstyle pattern 4 transparent border linecolor rgb "#bbbbbb" linecolor rgb "#cccccc", \
     data using (has_value(column("column"))):(column("row")):(0.49):(0.48):(column("ms_per_token")) with boxxyerror \
         fillstyle solid 1.0 noborder linecolor palette, \
     data using (column("column")):(column("row")): \
         (strcol("ms_per_token") eq "NaN" ? strcol("state") : digits(column("ms_per_token"))): \
         (known("ms_per_token", 0) == 0 ? 0x555555 : dark(column("ms_per_token")) ? 0xffffff : 0x222222) \
         with labels textcolor rgb variable
