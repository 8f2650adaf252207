# pareto.gp - quality against speed: a point per variant, the Pareto front joined; down and left is better.
# Empty when no variant has both a perplexity and a decode time: give bench sweep a text to score with --text FILE.

load scripts."/style.gp"
stats data using (column("ms_per_token")) name "X" nooutput
stats data using (column("perplexity")) name "Y" nooutput
n = X_records
array label[n]
array ms[n]
array ppl[n]
array is_front[n]
task = ""
row = 0
stats data using (row = row + 1, label[row] = shorten(strcol("label"), 60), ms[row] = column("ms_per_token"), \
    ppl[row] = column("perplexity"), is_front[row] = column("front"), context = column("context"), \
    task = strcol("task"), 0) nooutput

height = 474
heading = "Quality against speed (filled: the Pareto front; down and left is better)"
if (strstrt(fixed, "context ") == 0) { fixed = fixed.sprintf(", context %d", context) }
load scripts."/page.gp"

unset key
set xlabel "ms per token (median; each variant at its fastest setting)" textcolor rgb ink
set ylabel "perplexity of ".shorten(task, 44) textcolor rgb ink

# Axes from a little before the best to a little past the worst; logarithmic where the worst is many times the best.
log_x = X_max > 10 * X_min
log_y = Y_max > 3 * Y_min
margin(lo, hi, log, part) = log ? (hi / lo) ** part : (hi > lo ? (hi - lo) * part : hi * part)
mx = margin(X_min, X_max, log_x, 0.12)
my = margin(Y_min, Y_max, log_y, 0.14)
x_lo = log_x ? X_min / mx : larger(X_min - mx, 0)
x_hi = log_x ? X_max * mx : X_max + mx
y_lo = log_y ? Y_min / my : larger(Y_min - my, 0)
y_hi = log_y ? Y_max * my : Y_max + my
if (log_x) { set logscale x; set xtics () }
if (log_y) { set logscale y; set ytics () }
do for [d = -4:6] {
    do for [m in "1 2 5"] {
        if (log_x) { set xtics add (sprintf("%g", m * 10.0 ** d) m * 10.0 ** d) }
        if (log_y) { set ytics add (sprintf("%g", m * 10.0 ** d) m * 10.0 ** d) }
    }
}
set xrange [x_lo : x_hi]
set yrange [y_lo : y_hi]
set lmargin at screen 0.1
set rmargin at screen 0.97
set bmargin at screen 68 / height

# Labels by hand, so that none covers a point, a step or another label.  In pixels from the plot's lower left corner: each
# tries the places around its point, nearest first, and takes the first that is free; a far one gets a line to its point.
plot_w = 0.87 * width
plot_h = height - top - 68
px(v) = plot_w * (log_x ? log(v / x_lo) / log(x_hi / x_lo) : (v - x_lo) / (x_hi - x_lo))
py(v) = plot_h * (log_y ? log(v / y_lo) / log(y_hi / y_lo) : (v - y_lo) / (y_hi - y_lo))
line_h = 17.0
set style textbox opaque margins 0.3, 0.3 fillcolor rgb "#ffffff" noborder
array front_x[n]
array front_y[n]
n_front = 0
do for [i = 1:n] { if (is_front[i] == 1) { n_front = n_front + 1; front_x[n_front] = px(ms[i]); front_y[n_front] = py(ppl[i]) } }
array left[n]
array low[n]
do for [i = 1:n] {
    w = text_width(strlen(label[i])) + 4
    placed = 0
    do for [ring = 0:11] {
        do for [side = 1:6] {
            if (!placed) {
                # upper right first, away from the steps; then right, left, upper left, above, below; each ring a line farther out
                lx = px(ms[i]) + (side == 1 ? 5 : side == 2 ? 11 : side == 3 ? -11 - w : side == 4 ? -5 - w : -w / 2)
                ly = py(ppl[i]) + (side == 1 || side == 4 ? 5 + ring * line_h : side == 5 ? 8 + ring * line_h : \
                     side == 6 ? -8 - line_h - ring * line_h : -line_h / 2 - ring * line_h)
                free = lx >= 2 && lx + w <= plot_w - 2 && ly >= 2 && ly + line_h <= plot_h - 2
                do for [k = 1:n] {
                    if (px(ms[k]) > lx - 7 && px(ms[k]) < lx + w + 7 && \
                        py(ppl[k]) > ly - 5 && py(ppl[k]) < ly + line_h + 5) { free = 0 }
                    if (k < i && lx < left[k] + text_width(strlen(label[k])) + 8 && left[k] < lx + w + 4 && \
                        ly < low[k] + line_h && low[k] < ly + line_h) { free = 0 }
                }
                do for [k = 2:n_front] {
                    if (ly < front_y[k - 1] && ly + line_h > front_y[k - 1] && \
                        lx < front_x[k] && lx + w > front_x[k - 1]) { free = 0 }
                    if (lx < front_x[k] && lx + w > front_x[k] && ly < front_y[k - 1] && ly + line_h > front_y[k]) { free = 0 }
                }
                if (free) { placed = 1; left[i] = lx; low[i] = ly }
            }
        }
    }
    if (!placed) { left[i] = px(ms[i]) + 10; low[i] = py(ppl[i]) - line_h / 2 }
    set label i label[i] at graph left[i] / plot_w, graph (low[i] + line_h / 2) / plot_h left front boxed textcolor rgb ink
    near_x = px(ms[i]) < left[i] ? left[i] : px(ms[i]) > left[i] + w ? left[i] + w : px(ms[i])
    near_y = py(ppl[i]) < low[i] ? low[i] : py(ppl[i]) > low[i] + line_h ? low[i] + line_h : py(ppl[i])
    if (abs(near_x - px(ms[i])) + abs(near_y - py(ppl[i])) > 16) {
        set arrow i from graph px(ms[i]) / plot_w, graph py(ppl[i]) / plot_h to graph near_x / plot_w, graph near_y / plot_h \
            nohead linecolor rgb "#999999" linewidth 1 back
    }
}

on_front(v) = column("front") == 1 ? v : NaN
off_front(v) = column("front") == 1 ? NaN : v
rgb_of(i) = int(sprintf("0x%s", substr(colour(i), 2, 7)))
# Joined by steps: between two points of the front nothing better was measured.
plot data using (on_front(column("ms_per_token"))):(column("perplexity")) smooth unique with steps \
         linecolor rgb "#bbbbbb" linewidth 2, \
     data using (on_front(column("ms_per_token"))):(column("perplexity")):(rgb_of(column("colour"))) with points pointtype 7 \
         pointsize 1.4 linecolor rgb variable, \
     data using (off_front(column("ms_per_token"))):(column("perplexity")):(rgb_of(column("colour"))) with points pointtype 6 \
         pointsize 1.4 linewidth 2 linecolor rgb variable
