# gate.gp - what a gate measured: a row per metric of a cell, the change of head against base with its interval; right is worse.
# Empty when the run is no gate, or decided nothing that has a ratio: bench gate makes such runs.

load scripts."/style.gp"
stats data using (column("estimate")) name "X" nooutput
n = X_records
array label[n]
array tick[n]
row = 0
longest = 0
left = 0.0
right = 0.0
percent(x) = 100 * (exp(x) - 1)
stats data using (row = row + 1, label[row] = shorten(strcol("label"), 60), left = percent(column("low")) < left ? percent(column("low")) : left, \
    right = larger(right, larger(percent(column("high")), percent(column("tolerance")))), 0) nooutput
do for [i = 1:n] { if (strlen(label[i]) > longest) { longest = strlen(label[i]) } }

height = 78 + 18.0 * n
heading = "Change of head against base (bars: 95% interval; grey: tolerance; right is worse)"
load scripts."/page.gp"

set lmargin at screen (text_width(longest) + 24) / width
set rmargin 4
set bmargin at screen 50 / height
set key at graph 1, graph 1 right top horizontal noautotitle
set yrange [n + 0.7 : -0.7]
set ytics () nomirror scale 0
do for [i = 1:n] { set ytics add (label[i] i) }
set xrange [left - 0.06 * (right - left + 1) : right + 0.06 * (right - left + 1)]
set xlabel "change, percent" textcolor rgb ink
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb "#888888" linewidth 1

is(name) = strcol("outcome") eq name ? percent(column("estimate")) : NaN
plot data using (percent(column("tolerance"))):(column("row")) with points pointtype 2 pointsize 0.6 linecolor rgb "#bbbbbb", \
     data using (percent(column("estimate"))):(column("row")):(percent(column("low"))):(percent(column("high"))) with xerrorbars \
         pointtype -1 linecolor rgb "#888888" linewidth 1.2, \
     data using (is("pass")):(column("row")) with points pointtype 7 pointsize 0.8 linecolor rgb colour(3) title "pass", \
     data using (is("regressed")):(column("row")) with points pointtype 9 pointsize 1.1 linecolor rgb colour(2) title "regressed", \
     data using (is("inconclusive")):(column("row")) with points pointtype 6 pointsize 0.9 linecolor rgb colour(1) title "inconclusive", \
     data using (is("invalid")):(column("row")) with points pointtype 2 pointsize 0.9 linecolor rgb colour(7) title "invalid"
