package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs/wim"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// Import makes or updates a Package, an Image or a BootImage. Its manifest is
// held against the files in the store, chunk by chunk, and then signed; the
// WIM of an image is read and verified. Importing the same again changes
// nothing.
func (s *Site) Import(ctx context.Context, who string, in api.Import) (json.RawMessage, error) {
	object, err := importTarget(in)
	if err != nil {
		return nil, err
	}
	if err := s.see(ctx, who, func(_ store.Tx, w world) error { return w.mayImport(object) }); err != nil {
		return nil, err
	}
	m, err := content.ParseManifest(in.Manifest)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, title(object), "%v", err)
	}
	if len(m.Files) == 0 {
		return nil, api.Errorf(api.CodeInvalid, title(object), "the manifest lists no file")
	}
	for _, f := range m.Files {
		if err := s.verifyFile(ctx, f); err != nil {
			return nil, err
		}
	}
	if err := s.inspect(ctx, object, m); err != nil {
		return nil, err
	}
	if err := s.sign(m, contentOf(object)); err != nil {
		return nil, err
	}
	return s.putImported(ctx, who, object)
}

func importTarget(in api.Import) (osd.Object, error) {
	m := osd.Meta{Name: in.Name, Comment: in.Comment}
	var o osd.Object
	switch osd.Kind(in.Kind) {
	case osd.KindPackage:
		o = &osd.Package{Meta: m, Version: in.Version}
	case osd.KindImage:
		o = &osd.Image{Meta: m, Version: in.Version, File: in.File}
	case osd.KindBootImage:
		o = bootImage(m, in)
	default:
		return nil, api.Errorf(api.CodeInvalid, in.Kind, "content can be imported for Package, Image and BootImage")
	}
	if err := o.Validate(); err != nil {
		return nil, api.Errorf(api.CodeInvalid, title(o), "%v", err)
	}
	return o, nil
}

// verifyFile holds the chunks of a manifest against the bytes that are
// stored.
func (s *Site) verifyFile(ctx context.Context, f content.File) error {
	size, ok := s.content.Has(f.SHA256)
	if !ok || size != f.Size {
		return api.Errorf(api.CodeInvalid, f.Path, "its content %s is not there", f.SHA256).WithRemedy("upload it first")
	}
	r, err := s.open(f)
	if err != nil {
		return err
	}
	whole, chunk := sha256.New(), sha256.New()
	for _, c := range f.Chunks {
		chunk.Reset()
		if _, err = io.CopyN(io.MultiWriter(whole, chunk), r, c.Length); err != nil {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
		if hex.EncodeToString(chunk.Sum(nil)) != c.SHA256 {
			err = api.Errorf(api.CodeInvalid, f.Path, "the chunk at %d is not what the manifest says", c.Offset).WithRemedy("import the file again")
			break
		}
	}
	if err == nil && hex.EncodeToString(whole.Sum(nil)) != f.SHA256 {
		err = errors.Join(s.content.Quarantine(f.SHA256), api.Errorf(api.CodeInvalid, f.Path, "the stored content is damaged").WithRemedy("import the file again"))
	}
	return errors.Join(err, r.Close())
}

// inspect holds content against what its kind must have.
func (s *Site) inspect(ctx context.Context, o osd.Object, m *content.Manifest) error {
	switch o := o.(type) {
	case *osd.BootImage:
		err := inspectBootImage(o, m)
		if err == nil && o.Windows == nil {
			o.Architecture, err = s.architecture(*m.File("uki.efi"))
		}
		return err
	case *osd.Image:
		return s.inspectWIM(ctx, o, m)
	}
	return nil
}

func (s *Site) inspectWIM(ctx context.Context, o *osd.Image, m *content.Manifest) error {
	if o.File == "" && len(m.Files) == 1 {
		o.File = m.Files[0].Path
	}
	f := m.File(o.File)
	if f == nil {
		return api.Errorf(api.CodeInvalid, title(o), "the content holds no file %q", o.File).WithRemedy("say which file is the WIM")
	}
	r, err := s.open(*f)
	if err != nil {
		return err
	}
	info, err := wim.Read(r, f.Size)
	if err == nil {
		err = wim.Verify(ctx, r, f.Size, nil)
	}
	err = errors.Join(ignoreNoIntegrity(err), r.Close())
	if err != nil {
		return api.Errorf(api.CodeRefused, title(o), "%s: %v", o.File, err).WithRemedy("copy the WIM again from where it was made, and import it again")
	}
	if len(info.Images) == 0 {
		return api.Errorf(api.CodeRefused, title(o), "%s: the WIM holds no image", o.File)
	}
	for _, i := range info.Images {
		o.Indexes = append(o.Indexes, osd.ImageIndex{Name: i.Name, Description: i.Description, TotalBytes: i.Bytes()})
	}
	return nil
}

// ignoreNoIntegrity takes a WIM without an integrity table: its structure was
// read, and its bytes are those that the administrator's program hashed.
func ignoreNoIntegrity(err error) error {
	if errors.Is(err, wim.ErrNoIntegrity) {
		return nil
	}
	return err
}

// sign makes the version visible in the store.
func (s *Site) sign(m *content.Manifest, c *osd.Content) error {
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.Manifest, c.Bytes = content.Digest(payload), m.Bytes()
	if s.content.Complete(c.Manifest) {
		return nil
	}
	envelope, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, s.keys.Signing))
	if err != nil {
		return err
	}
	return s.content.PutManifest(c.Manifest, envelope)
}

// putImported creates the object, or updates its content.
func (s *Site) putImported(ctx context.Context, who string, o osd.Object) (json.RawMessage, error) {
	var out json.RawMessage
	err := s.change(ctx, who, func(x store.Tx, w world) error {
		if err := w.mayImport(o); err != nil {
			return err
		}
		m := meta(o)
		was, err := x.Object(o.ObjectKind(), m.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			if m.ID, err = x.NextID(s.code); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			if err := carryImported(o, was); err != nil {
				return err
			}
		}
		r, err := encode(o)
		if err != nil {
			return err
		}
		out = r.Document
		if string(r.Document) == string(was.Document) {
			return nil
		}
		return errors.Join(x.PutObject(r), s.audit(x, who, "import", title(o), fmt.Sprintf("%s %s, %d bytes", m.ID, contentOf(o).Manifest, contentOf(o).Bytes)))
	})
	return out, err
}

// mayImport wants change on the object that an import makes or updates.
func (w world) mayImport(o osd.Object) error {
	was, ok := w.kinds[o.ObjectKind()][o.ObjectName()]
	switch {
	case ok && w.can(osd.See, was):
		return w.need(osd.Change, was)
	case !w.can(osd.Change, o): // the same whether there is one or not
		return forbidden(osd.Change, title(o))
	case ok:
		return api.Errorf(api.CodeForbidden, title(o), "the name belongs to an object that you may not see").WithRemedy("choose another")
	}
	return nil
}

// carryImported keeps what the object has and the import does not say.
func carryImported(o osd.Object, was store.Object) error {
	old, err := decode(was)
	if err != nil {
		return err
	}
	m, before := meta(o), meta(old)
	m.ID, m.Folder = before.ID, before.Folder
	if m.Comment == "" {
		m.Comment = before.Comment
	}
	*distributionOf(o) = *distributionOf(old)
	switch o := o.(type) {
	case *osd.Package:
		p := old.(*osd.Package)
		o.Manufacturer, o.Language, o.Programs = p.Manufacturer, p.Language, p.Programs
		if o.Version == "" {
			o.Version = p.Version
		}
	case *osd.Image:
		if o.Version == "" {
			o.Version = old.(*osd.Image).Version
		}
	case *osd.BootImage:
		carryBootImage(o, old.(*osd.BootImage))
	}
	return nil
}
