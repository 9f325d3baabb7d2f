package agent

import (
	"fmt"
	"strings"
)

// digits are drawn in five rows of at most five columns, so that a code can be
// read from the other end of a room.
var digits = [10][5]string{
	{" ###", "#   #", "#   #", "#   #", " ###"},
	{"  #", " ##", "  #", "  #", " ###"},
	{" ###", "#   #", "   #", "  #", "#####"},
	{"####", "    #", " ###", "    #", "####"},
	{"#  #", "#  #", "#####", "   #", "   #"},
	{"#####", "#", "####", "    #", "####"},
	{" ###", "#", "####", "#   #", " ###"},
	{"#####", "    #", "   #", "  #", "  #"},
	{" ###", "#   #", " ###", "#   #", " ###"},
	{" ###", "#   #", " ####", "    #", " ###"},
}

// hyphen stands between the halves of a code.
var hyphen = [5]string{"", "", " ###", "", ""}

// banner writes a code in large digits, five lines of less than 60 columns.
func banner(code string) string {
	var rows [5]string
	for i := range rows {
		line := "   "
		for _, c := range code {
			glyph := hyphen
			if c >= '0' && c <= '9' {
				glyph = digits[c-'0']
			}
			line += fmt.Sprintf(" %-6s", glyph[i])
		}
		rows[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(rows[:], "\n")
}
