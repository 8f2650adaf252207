# latency.gp - ms/token against context: a line per format and setting, bars for the interval of the median.
# Empty when no trial of the run decoded a token; bench show says why.

load scripts."/style.gp"
stats data using (column("series")) name "S" nooutput
stats data using (column("context")) name "X" nooutput
stats data using (column("ms_per_token")) name "Y" nooutput
stats data using (known("high", column("ms_per_token"))) name "H" nooutput
n = int(S_max)
array label[n]
array hue[n]
array dash[n]
array contexts[S_records]
row = 0
stats data using (s = int(column("series")), label[s] = shorten(strcol("label"), 110), \
    hue[s] = column("colour"), dash[s] = column("dash"), 0) nooutput
stats data using (row = row + 1, contexts[row] = column("context"), 0) nooutput
longest = 0
do for [i = 1:n] { if (strlen(label[i]) > longest) { longest = strlen(label[i]) } }

# Short names beside the plot, long ones below it.
beside = longest <= 22
key_columns = beside ? 1 : (longest <= 50 ? 2 : 1)
key_rows = (n + key_columns - 1) / key_columns
height = beside ? (n <= 18 ? 406 : 406 + 18 * (n - 18)) : 386 + 18 * key_rows
heading = "Time per decoded token against context (bars: interval of the median over trials)"
load scripts."/page.gp"

if (beside) {
    set key outside right top vertical Left reverse samplen 3 spacing 1.15 noautotitle
} else {
    set key at screen 0.5, screen 0.01 bottom center vertical maxrows key_rows Left reverse samplen 3 spacing 1.15 noautotitle
    set bmargin at screen (18.0 * key_rows + 70) / height
    set rmargin 4
}

set xlabel "tokens in the KV cache when decoding starts" textcolor rgb ink
set ylabel "ms per token" textcolor rgb ink
# Contexts usually double: then equal steps are equal distances.
if (X_max > 3 * X_min && X_min > 0) {
    set logscale x 2
    set xrange [X_min / 1.15 : X_max * 1.15]
} else {
    pad = X_max > X_min ? 0.06 * (X_max - X_min) : 1
    set xrange [X_min - pad : X_max + pad]
}
set xtics () format "%.0f"
do for [i = 1:S_records] { set xtics add (sprintf("%d", contexts[i]) contexts[i]) }
if (Y_max > 20 * Y_min && Y_min > 0) {
    set logscale y
    set ytics ()
    do for [d = -4:6] { do for [m in "1 2 5"] { set ytics add (sprintf("%g", m * 10.0 ** d) m * 10.0 ** d) } }
    set yrange [Y_min / 1.5 : H_max * 1.5]
} else {
    set yrange [0 : H_max * 1.08]
}

set bars 0.6
here(i) = column("series") == i ? column("ms_per_token") : NaN
plot for [i = 1:n] data using (column("context")):(here(i)):(column("low")):(column("high")) with yerrorbars \
         linecolor rgb colour(hue[i]) linewidth 1.2 pointtype -1, \
     for [i = 1:n] data using (column("context")):(here(i)) with linespoints linecolor rgb colour(hue[i]) linewidth 2 \
         dashtype int(dash[i]) pointtype 4 + int(dash[i]) pointsize 0.9 title label[i]
