package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"

	"github.com/openclaw-pos/commerce/courier"
)

// label draws parcels as PDF, a page of A6 each, or one parcel as PNG; nil when that cannot be.
func label(all []*parcel, format courier.Format) *courier.Label {
	l := &courier.Label{Format: format}
	for _, p := range all {
		l.Tracking = append(l.Tracking, p.tracking)
	}
	switch {
	case format == courier.PDF:
		var pages []string
		for _, p := range all {
			pages = append(pages, page(p))
		}
		l.Body = pdf(pages)
	case format == courier.PNG && len(all) == 1:
		l.Body = picture(all[0].tracking)
	}
	if l.Body == nil {
		return nil
	}
	return l
}

// sheet lists parcels for the rider to sign.
func sheet(title string, all []*parcel) *courier.Label {
	l := &courier.Label{Format: courier.PDF}
	lines := []string{"Load sheet " + title, fmt.Sprint(len(all), " parcels")}
	for _, p := range all {
		l.Tracking = append(l.Tracking, p.tracking)
		lines = append(lines, p.tracking+"  "+p.Number)
	}
	var out strings.Builder
	for i, text := range lines {
		write(&out, 20, 380-i*14, 10, text)
	}
	l.Body = pdf([]string{out.String()})
	return l
}

// page is the content of one label: bars as rectangles, so that no font or image is needed and every reader scans it.
func page(p *parcel) string {
	var out strings.Builder
	code, err := code128.Encode(p.tracking)
	if err != nil {
		panic(err) // our own numbers are letters and digits
	}
	const left, bar = 24, 16 // points, tenths of a point
	for x := range code.Bounds().Dx() {
		if black(code, x) {
			at := left*10 + x*bar
			fmt.Fprintf(&out, "%d.%d 300 %d.%d 70 re f\n", at/10, at%10, bar/10, bar%10)
		}
	}
	write(&out, left, 282, 14, p.tracking)
	write(&out, left, 250, 12, p.To.Name)
	write(&out, left, 234, 10, p.To.Line1)
	write(&out, left, 220, 10, strings.TrimSpace(p.To.District+" "+p.To.City+" "+p.To.Postcode))
	write(&out, left, 206, 10, p.To.Phone)
	if !p.Cash.IsZero() {
		write(&out, left, 160, 18, "COLLECT "+p.Cash.String())
	}
	write(&out, left, 120, 10, "Order "+p.Number)
	write(&out, left, 106, 10, "From "+p.From.Name+" "+p.From.City)
	return out.String()
}

func black(code barcode.Barcode, x int) bool {
	r, _, _, _ := code.At(x, 0).RGBA()
	return r == 0
}

// write puts a line of text on a page. The standard fonts have Latin letters only: others become question marks on this demonstration label.
func write(out *strings.Builder, x, y, size int, text string) {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	text = strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(text)
	fmt.Fprintf(out, "BT /F1 %d Tf %d %d Td (%s) Tj ET\n", size, x, y, text)
}

// pdf writes pages of A6 (298 × 420 points) as a document of version 1.4.
func pdf(pages []string) []byte {
	var out bytes.Buffer
	var offsets []int
	object := func(body string) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s] >>", len(pages), kids.String()))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for i, content := range pages {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 298 420] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", 5+2*i))
		object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content))
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, table)
	return out.Bytes()
}

// picture is the number as a bar code.
func picture(tracking string) []byte {
	code, err := code128.Encode(tracking)
	if err != nil {
		panic(err)
	}
	scaled, err := barcode.Scale(code, code.Bounds().Dx()*3, 120)
	if err != nil {
		panic(err)
	}
	b := scaled.Bounds()
	img := image.NewGray(image.Rect(0, 0, b.Dx()+60, b.Dy()+40)) // with the quiet zone that scanners want
	draw.Draw(img, img.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(img, b.Add(image.Pt(30, 20)), scaled, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}
