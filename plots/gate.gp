# gate.gp - what a gate measured: a row per cell below each metric, the change of head against base with its interval; right is worse.
# Empty when the run is no gate, or decided nothing that has a ratio: bench gate makes such runs.

load scripts."/style.gp"
stats data using (column("row")) name "R" nooutput
rows = int(R_max)
array name[rows]  # of the metric, in the free row above its cells
array label[rows]
array said[rows]
percent(x) = 100 * (exp(x) - 1)

# The picture is as wide as what gates and the tolerance of most of that.  A told p99 may lie far outside: its number stands beside it.
stats data using (column("gates")) name "G" nooutput
counts(x) = column("gates") == G_max ? x : NaN
stats data using (counts(percent(column("low")))) name "L" nooutput
stats data using (counts(percent(column("high")))) name "H" nooutput
stats data using (counts(percent(column("tolerance")))) name "T" nooutput
left = L_min < 0 ? L_min : 0
right = larger(H_max, T_median)
margin = 0.06 * (right - left)
left = left - margin
right = right + margin
inside(x) = x < left ? left : x > right ? right : x

longest = 0
do for [i = 1:rows] { name[i] = ""; label[i] = "" }
stats data using (i = int(column("row")), label[i] = shorten(strcol("label"), 60), longest = larger(longest, strlen(label[i])), \
    said[i] = sprintf("%+.1f%%", percent(column("estimate"))), \
    name[i - 1] = strlen(label[i - 1]) ? "" : strcol("metric").(column("gates") == 1 ? "" : " (told)"), 0) nooutput

height = 96 + 16.0 * rows
heading = "Change of head against base: right is worse"
load scripts."/page.gp"

set lmargin at screen (text_width(longest) + 24) / width
set rmargin at screen 1 - 70 / width
set tmargin at screen 1 - (top + 22) / height
set bmargin at screen 50 / height
set key at screen 0.98, screen 1 - (top + 4) / height right top horizontal noautotitle
set yrange [rows + 0.7 : 0.3]
set ytics () nomirror scale 0
do for [i = 1:rows] {
    if (strlen(name[i])) {
        set label name[i] at left, first i offset 0.6, 0 left textcolor rgb pale
    } else {
        set ytics add (label[i] i)
        set label said[i] at graph 1, first i offset 0.8, 0 left textcolor rgb ink
    }
}
set xrange [left : right]
set xlabel "change, percent" textcolor rgb ink
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb "#888888" linewidth 1

low(x) = inside(percent(column("low")))
high(x) = inside(percent(column("high")))
is(name) = strcol("outcome") eq name ? percent(column("estimate")) : NaN
plot data using (percent(column("tolerance"))):(column("row") - 0.4):(0):(0.8) with vectors nohead linecolor rgb "#999999" \
         linewidth 2 title "tolerance", \
     data using (low(0)):(column("row")):(high(0) - low(0)):(0) with vectors nohead linecolor rgb "#777777" linewidth 1.5 \
         title "95% interval", \
     data using (is("pass")):(column("row")) with points pointtype 7 pointsize 0.8 linecolor rgb colour(3) title "pass", \
     data using (is("regressed")):(column("row")) with points pointtype 9 pointsize 1.1 linecolor rgb colour(2) title "regressed", \
     data using (is("inconclusive")):(column("row")) with points pointtype 6 pointsize 0.9 linecolor rgb colour(1) title "inconclusive", \
     data using (is("invalid")):(column("row")) with points pointtype 2 pointsize 0.9 linecolor rgb colour(7) title "invalid"
