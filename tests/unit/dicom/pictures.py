"""Pictures in every encoding that ultrasound machines use, and what they must decode to.

pictures.py make FOLDER            synthetic files
pictures.py reference DATA FOLDER  files of DATA as decoders other than axnode's see them

Both write FOLDER/cases.csv (file, kind, frames, rows, columns, channels, most, mean, by) and
FOLDER/NAME.raw: the expected frames one after the other. kind: 'image' 8-bit samples, 'deep' grey
values as doubles, 'refused' with the status and words of the message in its place. most and mean:
the largest difference of a sample, and of the average, that a lossy encoding may show. A missing
module or program: exit code 77.
"""
import csv
import functools
import io
import pathlib
import subprocess
import sys

try:
    import numpy as np
    import pydicom
    from PIL import Image
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate, generate_pixel_data_frame
    from pydicom.uid import UID
except ImportError as missing:
    print(missing)
    sys.exit(77)

DICOM = "1.2.840.10008.1.2"
ROWS, COLUMNS, FRAMES = 48, 64, 2


def run(*command, data=None):
    try:
        return subprocess.run([str(c) for c in command], input=data, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
    except FileNotFoundError:
        print(f"{command[0]} is not installed")
        sys.exit(77)


class Cases:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows = []

    def add(self, file, expected, kind="image", most=0, mean=0.0, by="the original"):
        """expected: [frame][row][column] or with a last axis of 3."""
        expected = np.asarray(expected)
        frames, rows, columns = expected.shape[:3]
        channels = expected.shape[3] if expected.ndim == 4 else 1
        name = pathlib.Path(file).name
        expected.astype(np.float64 if kind == "deep" else np.uint8).tofile(
            self.folder / f"{name}.raw")
        self.rows.append([file, kind, frames, rows, columns, channels, most, mean, by])

    def refuse(self, file, status, words):
        self.rows.append([file, "refused", status, 0, 0, 0, 0, 0, words])

    def write(self):
        with open(self.folder / "cases.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(self.rows)


# --- synthetic files


def tissue(rows=ROWS, columns=COLUMNS, frames=FRAMES, seed=1):
    """Grey with some structure and texture, moving from frame to frame: values from 0 to 1."""
    chance = np.random.default_rng(seed)
    texture = chance.random((rows // 4 + 1, columns // 4 + 1))
    texture = np.asarray(Image.fromarray(texture).resize((columns, rows), Image.BICUBIC))
    y, x = np.mgrid[:rows, :columns]
    made = []
    for k in range(frames):
        lesion = (x - columns / 2 - 3 * k) ** 2 + (y - rows / 2) ** 2 < (rows / 4) ** 2
        made.append(np.clip(0.15 + 0.6 * texture - 0.3 * lesion + 0.2 * y / rows, 0, 1))
    return np.stack(made)


def grey8(**shape):
    return np.rint(tissue(**shape) * 255).astype(np.uint8)


def colour8(**shape):
    base = tissue(**shape)
    doppler = np.zeros_like(base)
    doppler[:, 10:20, 10:20] = 1
    rgb = np.stack([np.clip(base + 0.5 * doppler, 0, 1), base * (1 - 0.8 * doppler),
                    base * (1 - 0.5 * doppler)], axis=-1)
    return np.rint(rgb * 255).astype(np.uint8)


def dataset(shape, photometric, syntax, bits=8, stored=None, signed=0, planar=0):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.3.1")
    meta.MediaStorageSOPInstanceUID = UID("2.25.77")
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "2.25.77"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.78", "2.25.79"
    ds.Modality, ds.PatientID, ds.PatientName = "US", "P", "N"
    ds.SamplesPerPixel = 3 if len(shape) == 4 else 1
    ds.PhotometricInterpretation = photometric
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = planar
    ds.NumberOfFrames = shape[0]
    ds.Rows, ds.Columns = shape[1:3]
    ds.BitsAllocated, ds.BitsStored = bits, stored or bits
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, signed
    ds.is_little_endian = syntax != DICOM + ".2"
    ds.is_implicit_VR = syntax == DICOM
    return ds


def save(cases, name, ds, syntax=None):
    """syntax: in place of the data set's own, for those that pydicom does not know."""
    path = cases.folder / name
    ds.save_as(path, write_like_original=False)
    if syntax:
        content = path.read_bytes()
        meta = 144 + int.from_bytes(content[140:144], "little")
        old = ds.file_meta.TransferSyntaxUID
        before, after = (b"\x02\x00\x10\x00UI" + len(u).to_bytes(2, "little") + u
                         for u in (u.encode() + b"\0" * (len(u) % 2) for u in (old, syntax)))
        head = content[144:meta].replace(before, after)
        path.write_bytes(content[:140] + len(head).to_bytes(4, "little") + head + content[meta:])
    return str(path)


def native(cases, name, ds, samples, word=True):
    """samples as they lie in memory; word: OW, else OB."""
    data = samples.tobytes()
    data += b"\0" * (len(data) % 2)
    if not ds.is_little_endian and (word or samples.itemsize == 2):
        data = np.frombuffer(data, "<u2").byteswap().tobytes()
    ds.add_new(0x7FE00010, "OW" if word else "OB", data)
    return save(cases, name, ds)


def add_palette(ds, table, segments=None):
    """table: [entry][3] of 8 or 16 bits; segments: words of each colour, replacing it."""
    bits = table.dtype.itemsize * 8
    for c, colour in enumerate(("Red", "Green", "Blue")):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor",
                [len(table) % 65536, 0, bits])
        data = (table[:, c] if segments is None else segments[c]).tobytes()
        data += b"\0" * (len(data) % 2)
        if not ds.is_little_endian:
            data = np.frombuffer(data, "<u2").byteswap().tobytes()
        prefix = "" if segments is None else "Segmented"
        setattr(ds, f"{prefix}{colour}PaletteColorLookupTableData", data)


def to_ybr(rgb):
    """YBR_FULL of PS3.3 C.7.6.3.1.2."""
    r, g, b = (rgb[..., c].astype(float) for c in range(3))
    return np.rint(np.clip(np.stack([0.299 * r + 0.587 * g + 0.114 * b,
                                     -0.1687 * r - 0.3313 * g + 0.5 * b + 128,
                                     0.5 * r - 0.4187 * g - 0.0813 * b + 128], axis=-1),
                           0, 255)).astype(np.uint8)


def from_ybr(ybr, partial=False):
    y, cb, cr = (ybr[..., c].astype(float) for c in range(3))
    cb, cr = cb - 128, cr - 128
    if partial:
        y = 1.1644 * (y - 16)
        rgb = np.stack([y + 1.5960 * cr, y - 0.3917 * cb - 0.8130 * cr, y + 2.0173 * cb], axis=-1)
    else:
        rgb = np.stack([y + 1.402 * cr, y - 0.3441 * cb - 0.7141 * cr, y + 1.772 * cb], axis=-1)
    return np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)


def shared_chroma(ybr):
    """Two luminances, then the chrominances they share; and the same at full size."""
    pairs = ybr.reshape(*ybr.shape[:2], -1, 2, 3)
    packed = np.stack([pairs[..., 0, 0], pairs[..., 1, 0], pairs[..., 0, 1], pairs[..., 0, 2]],
                      axis=-1)
    whole = pairs.copy()
    whole[..., 1, 1:] = whole[..., 0, 1:]
    return packed, whole.reshape(ybr.shape)


def make_native(cases):
    grey, rgb = grey8(), colour8()
    ybr = to_ybr(rgb)
    packed, whole = shared_chroma(ybr)
    limited = np.clip(ybr, 16, 235)
    packed_limited, whole_limited = shared_chroma(limited)
    deep = np.rint(tissue() * 4095).astype(np.uint16)
    signed = (deep.astype(np.int32) - 2048).astype(np.int16)
    index = (grey8(seed=3) // 2).astype(np.uint8)
    table8 = np.stack([np.arange(128) * 2, 255 - np.arange(128), np.arange(128)],
                      axis=-1).astype(np.uint8)
    table16 = table8.astype(np.uint16) * 257
    for syntax, label in ((DICOM, "implicit"), (DICOM + ".1", "explicit"), (DICOM + ".2", "big"),
                          (DICOM + ".1.99", "deflated")):
        for word in (True,) if label == "implicit" else (True, False):
            kind = f"{label}-{'ow' if word else 'ob'}"
            cases.add(native(cases, f"{kind}-mono.dcm", dataset(grey.shape, "MONOCHROME2", syntax),
                             grey, word), grey)
            cases.add(native(cases, f"{kind}-mono1.dcm",
                             dataset(grey.shape, "MONOCHROME1", syntax), grey, word), 255 - grey)
            cases.add(native(cases, f"{kind}-rgb.dcm", dataset(rgb.shape, "RGB", syntax), rgb,
                             word), rgb)
            cases.add(native(cases, f"{kind}-rgb-planes.dcm",
                             dataset(rgb.shape, "RGB", syntax, planar=1),
                             rgb.transpose(0, 3, 1, 2), word), rgb)
        cases.add(native(cases, f"{label}-ybr.dcm", dataset(ybr.shape, "YBR_FULL", syntax), ybr,
                         label != "explicit"), from_ybr(ybr), most=2, by="the formula of PS3.3")
        cases.add(native(cases, f"{label}-ybr-planes.dcm",
                         dataset(ybr.shape, "YBR_FULL", syntax, planar=1),
                         ybr.transpose(0, 3, 1, 2)), from_ybr(ybr), most=2,
                  by="the formula of PS3.3")
        cases.add(native(cases, f"{label}-422.dcm", dataset(ybr.shape, "YBR_FULL_422", syntax),
                         packed), from_ybr(whole), most=2, by="the formula of PS3.3")
        cases.add(native(cases, f"{label}-partial-422.dcm",
                         dataset(ybr.shape, "YBR_PARTIAL_422", syntax), packed_limited),
                  from_ybr(whole_limited, partial=True), most=3, by="the formula of PS3.3")
        cases.add(native(cases, f"{label}-12-of-16.dcm",
                         dataset(deep.shape, "MONOCHROME2", syntax, 16, 12), deep), deep, "deep")
        cases.add(native(cases, f"{label}-mono1-12-of-16.dcm",
                         dataset(deep.shape, "MONOCHROME1", syntax, 16, 12), deep), 4095 - deep,
                  "deep")
        cases.add(native(cases, f"{label}-signed.dcm",
                         dataset(deep.shape, "MONOCHROME2", syntax, 16, 16, 1), signed), signed,
                  "deep")
        for bits, table in ((8, table8), (16, table16)):
            ds = dataset(index.shape, "PALETTE COLOR", syntax)
            add_palette(ds, table)
            cases.add(native(cases, f"{label}-palette-{bits}.dcm", ds, index), table8[index])
        ds = dataset(index.shape, "PALETTE COLOR", syntax, 16)
        add_palette(ds, table16)
        cases.add(native(cases, f"{label}-palette-16-of-16.dcm", ds, index.astype(np.uint16)),
                  table8[index])
    make_segmented(cases, index)
    make_odd(cases)


def make_segmented(cases, index):
    """0, then a line to 254, both of which the next segment repeats, backwards a last line."""
    table = np.concatenate([np.arange(0, 128, 2), np.arange(0, 128, 2)]).astype(np.uint8)
    for bits in (8, 16):
        unit = np.dtype(f"<u{bits // 8}")
        scale = 1 if bits == 8 else 257
        offset = [0, 0, 0, 0] if bits == 8 else [0, 0]
        segments = np.array([0, 1, 0, 1, 63, 126 * scale, 2, 2] + offset).astype(unit)
        full = np.stack([table] * 3, axis=-1).astype(unit)
        if bits == 16:
            full *= 257
        for syntax, label in ((DICOM + ".1", "explicit"), (DICOM + ".2", "big")):
            ds = dataset(index.shape, "PALETTE COLOR", syntax)
            add_palette(ds, full, [segments] * 3)
            cases.add(native(cases, f"{label}-segmented-{bits}.dcm", ds, index),
                      np.stack([table[index]] * 3, axis=-1))


def make_odd(cases):
    grey, rgb = grey8(rows=15, columns=21), colour8(rows=15, columns=21)
    for syntax, label in ((DICOM + ".1", "explicit"), (DICOM + ".2", "big")):
        cases.add(native(cases, f"{label}-odd-mono.dcm",
                         dataset(grey.shape, "MONOCHROME2", syntax), grey), grey)
        cases.add(native(cases, f"{label}-odd-rgb.dcm", dataset(rgb.shape, "RGB", syntax), rgb),
                  rgb)


def fragmented(frames, pieces=1, table="none"):
    """The value of encapsulated Pixel Data, and an Extended Offset Table of 64 bits."""
    body, offsets, lengths = b"", [], []
    for frame in frames:
        frame += b"\0" * (len(frame) % 2)
        offsets.append(len(body))
        lengths.append(len(frame))
        size = -(-len(frame) // pieces // 2) * 2 + 2
        for at in range(0, len(frame), size):
            part = frame[at:at + size]
            body += b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part
    basic = b"".join(o.to_bytes(4, "little") for o in offsets) if table == "basic" else b""
    head = b"\xfe\xff\x00\xe0" + len(basic).to_bytes(4, "little") + basic
    end = b"\xfe\xff\xdd\xe0\0\0\0\0"
    return head + body + end, b"".join(o.to_bytes(8, "little") for o in offsets), b"".join(
        n.to_bytes(8, "little") for n in lengths)


def compressed(cases, name, ds, frames, pieces=1, table="none"):
    data, offsets, lengths = fragmented(frames, pieces, table)
    if table == "extended":
        ds.add_new(0x7FE00001, "OV", offsets)
        ds.add_new(0x7FE00002, "OV", lengths)
    ds.add_new(0x7FE00010, "OB", data[:-8])
    ds["PixelData"].is_undefined_length = True
    syntax = ds.file_meta.TransferSyntaxUID
    ds.file_meta.TransferSyntaxUID = UID(DICOM + ".4.50")
    path = save(cases, name, ds, syntax)
    ds.file_meta.TransferSyntaxUID = syntax
    return path


def jpeg(picture, **options):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def make_jpeg(cases):
    grey, rgb = grey8(), colour8()
    frames = [jpeg(p) for p in grey]
    seen = np.stack([np.asarray(Image.open(io.BytesIO(f))) for f in frames])
    for pieces, table in ((1, "none"), (1, "basic"), (1, "extended"), (3, "none"), (3, "basic"),
                          (3, "extended")):
        ds = dataset(grey.shape, "MONOCHROME2", DICOM + ".4.50")
        cases.add(compressed(cases, f"jpeg-mono-{pieces}-{table}.dcm", ds, frames, pieces, table),
                  seen, most=1, by="Pillow")
    for sampling, name in ((0, "YBR_FULL"), (1, "YBR_FULL_422")):
        frames = [jpeg(p, subsampling=sampling) for p in rgb]
        seen = np.stack([np.asarray(Image.open(io.BytesIO(f))) for f in frames])
        ds = dataset(rgb.shape, name, DICOM + ".4.50")
        cases.add(compressed(cases, f"jpeg-{name}.dcm", ds, frames), seen, most=3, mean=0.6,
                  by="Pillow")
    plain = native(cases, "plain.tmp", dataset(grey.shape, "MONOCHROME2", DICOM + ".1"), grey)
    colour = native(cases, "colour.tmp", dataset(rgb.shape, "RGB", DICOM + ".1"), rgb, False)
    deep = np.rint(tissue() * 4095).astype(np.uint16)
    words = native(cases, "words.tmp", dataset(deep.shape, "MONOCHROME2", DICOM + ".1", 16, 12),
                   deep)
    for tool, option, label, most in (
            ("dcmcjpeg", "+el", "jpeg-lossless", 0), ("dcmcjpeg", "+e1", "jpeg-lossless-sv1", 0),
            ("dcmcjpeg", "+ee", "jpeg-extended", 12), ("dcmcjpeg", "+es", "jpeg-spectral", 12),
            ("dcmcjpeg", "+ep", "jpeg-progressive", 12), ("dcmcjpls", "+el", "jpeg-ls", 0),
            ("dcmcjpls", "+en", "jpeg-ls-near", 2), ("dcmcrle", "+te", "rle", 0)):
        more = ["+md", "2"] if option == "+en" else ["+q", "97"] if most == 12 else []
        for source, expected, kind in ((plain, grey, "image"), (colour, rgb, "image"),
                                       (words, deep, "deep")):
            name = cases.folder / f"{label}-{pathlib.Path(source).stem}.dcm"
            if expected is rgb and most == 12:
                continue # sampled chrominance: compared above, where the encoder is Pillow's
            run(tool, *([option] if tool != "dcmcrle" else []), *more, source, name)
            cases.add(str(name), expected, kind, most=most * (4 if kind == "deep" else 1))
    for file in (plain, colour, words):
        pathlib.Path(file).unlink()


def jpeg2000(cases, picture, *options):
    """The codestream, and what opj_decompress makes of it."""
    source = cases.folder / ("x.ppm" if picture.ndim == 3 else "x.pgm")
    target = cases.folder / "x.j2k"
    back = cases.folder / ("y.ppm" if picture.ndim == 3 else "y.pgm")
    most = 255 if picture.dtype == np.uint8 else 4095
    with open(source, "wb") as file:
        file.write(b"P%d\n%d %d\n%d\n" % (6 if picture.ndim == 3 else 5, picture.shape[1],
                                          picture.shape[0], most))
        file.write(picture.astype(">u2" if most > 255 else "u1").tobytes())
    run("opj_compress", "-i", source, "-o", target, "-n", "3", *options)
    run("opj_decompress", "-i", target, "-o", back)
    pixels = back.read_bytes()[-picture.nbytes:]
    seen = np.frombuffer(pixels, ">u2" if most > 255 else "u1").reshape(picture.shape)
    code = target.read_bytes()
    for path in (source, target, back):
        path.unlink()
    return code, seen


def make_jpeg2000(cases):
    for pictures, label, photometric, bits, stored in (
            (grey8(), "mono", "MONOCHROME2", 8, 8), (colour8(), "rct", "YBR_RCT", 8, 8),
            (np.rint(tissue() * 4095).astype(np.uint16), "12", "MONOCHROME2", 16, 12),
            (colour8(rows=15, columns=21), "odd", "YBR_RCT", 8, 8)):
        kind = "deep" if bits == 16 else "image"
        made = [jpeg2000(cases, p) for p in pictures]
        ds = dataset(pictures.shape, photometric, DICOM + ".4.90", bits, stored)
        cases.add(compressed(cases, f"j2k-{label}.dcm", ds, [m[0] for m in made]), pictures, kind)
        lossy = "YBR_ICT" if pictures.ndim == 4 else photometric
        made = [jpeg2000(cases, p, "-I", "-r", "6") for p in pictures]
        ds = dataset(pictures.shape, lossy, DICOM + ".4.91", bits, stored)
        cases.add(compressed(cases, f"j2k-lossy-{label}.dcm", ds, [m[0] for m in made], 2),
                  np.stack([m[1] for m in made]), kind, by="opj_decompress")
    rgb = colour8()
    ybr = to_ybr(rgb)
    for part, number in (("", ".4.90"), ("-part-2", ".4.92")):
        made = [jpeg2000(cases, p, "-mct", "0") for p in rgb]
        ds = dataset(rgb.shape, "RGB", DICOM + number)
        cases.add(compressed(cases, f"j2k{part}-rgb.dcm", ds, [m[0] for m in made], 2, "basic"), rgb)
    made = [jpeg2000(cases, p, "-mct", "0") for p in ybr]
    ds = dataset(rgb.shape, "YBR_FULL", DICOM + ".4.90")
    cases.add(compressed(cases, "j2k-ybr.dcm", ds, [m[0] for m in made]), from_ybr(ybr), most=2,
              by="the formula of PS3.3")
    made = [jpeg2000(cases, p, "-t", "32,32", "-c", "[64,64]") for p in rgb]
    ds = dataset(rgb.shape, "YBR_RCT", DICOM + ".4.90")
    cases.add(compressed(cases, "j2k-tiles.dcm", ds, [m[0] for m in made]), rgb)
    cases.refuse(compressed(cases, "j2k-dust.dcm",
                            dataset((1, 5000, 5000), "MONOCHROME2", DICOM + ".4.90"),
                            [dust(jpeg2000(cases, grey8()[0])[0])]), "over a limit", "pieces")


def dust(code):
    """A header of 5000 × 5000 pixels in code blocks of 4 × 4."""
    code = bytearray(code)
    for at in (8, 12, 24, 28):
        code[at:at + 4] = (5000).to_bytes(4, "big")
    coding = code.index(b"\xff\x52")
    code[coding + 10:coding + 12] = b"\0\0"
    return bytes(code)


FLAGS = "bicubic+accurate_rnd+full_chroma_int+bitexact"


@functools.cache
def video(folder, container, *options):
    """An encoded loop, and what ffmpeg makes of it."""
    pictures = loop()
    rows, columns = pictures.shape[1:3]
    path = folder / f"x.{container}"
    run("ffmpeg", "-y", "-threads", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
        f"{columns}x{rows}", "-r", "25", "-i", "-", "-threads", "1", *options, path,
        data=pictures.tobytes())
    seen = run("ffmpeg", "-threads", "1", "-i", path, "-f", "rawvideo", "-vsync", "0", "-vf",
               f"scale=flags={FLAGS}", "-sws_flags", FLAGS, "-pix_fmt", "rgb24", "-")
    code = path.read_bytes()
    path.unlink()
    return code, np.frombuffer(seen, np.uint8).reshape(-1, rows, columns, 3)


def loop():
    return colour8(rows=96, columns=128, frames=10)


def make_video(cases):
    original = loop()
    x264 = ("-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p")
    x265 = ("-c:v", "libx265", "-crf", "12", "-x265-params", "log-level=none:pools=1:frame-threads=1")
    mpeg2 = ("-c:v", "mpeg2video", "-q:v", "2", "-pix_fmt", "yuv420p", "-g", "5", "-bf", "2")
    bt709 = ("-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709")
    for number, label, container, options in (
            (".4.100", "mpeg2-es", "m2v", mpeg2), (".4.100.1", "mpeg2-ts", "ts", mpeg2),
            (".4.101", "mpeg2-ps", "mpg", mpeg2), (".4.101.1", "mpeg2-hl", "m2v", mpeg2),
            (".4.102", "h264-es", "264", x264), (".4.102.1", "h264-ts", "ts", x264),
            (".4.103", "h264-mp4", "mp4", x264), (".4.104", "h264-709", "264", x264 + bt709),
            (".4.105", "h264-3d", "mp4", x264),
            (".4.106.1", "h264-stereo", "264", x264),
            (".4.107", "hevc-es", "hevc", x265 + ("-pix_fmt", "yuv420p")),
            (".4.108", "hevc-10", "mp4", x265 + ("-pix_fmt", "yuv420p10le"))):
        code, seen = video(cases.folder, container, *options)
        assert len(seen) == len(original), (label, len(seen))
        assert np.abs(seen.astype(int) - original).mean() < 12, label
        ds = dataset(original.shape, "YBR_PARTIAL_420", DICOM + number)
        cases.add(compressed(cases, f"{label}.dcm", ds, [code], 7 if number.count(".") > 2 else 1),
                  seen, most=2, mean=0.5, by="ffmpeg")
    ds = dataset((12,) + original.shape[1:], "YBR_PARTIAL_420", DICOM + ".4.102")
    cases.refuse(compressed(cases, "h264-short.dcm", ds, [code]), "invalid", "no video")
    code, _ = video(cases.folder, "264", *x264)
    cases.refuse(compressed(cases, "h264-ended.dcm", ds, [code]), "invalid", "only 10 frames of 12")
    ds = dataset(original.shape, "YBR_PARTIAL_420", DICOM + ".4.102")
    ds.Columns = 64
    cases.refuse(compressed(cases, "h264-size.dcm", ds, [code]), "invalid", "size differs")


def make_refused(cases):
    grey = grey8()
    code, _ = jpeg2000(cases, grey[0])
    cut = grey[0].tobytes()[:200]
    for number, words in ((".4.201", "HTJ2K Lossless"), (".4.203", "HTJ2K"),
                          (".4.110", "JPEG XL Lossless"), (".4.61", "JPEG Process 20")):
        ds = dataset(grey.shape, "MONOCHROME2", DICOM + number)
        cases.refuse(compressed(cases, f"unsupported{number}.dcm", ds, [code] * 3), "unsupported",
                     "cannot decode " + words)
    for number, data, words in ((".4.90", code[:len(code) // 2], "damaged"),
                                (".4.90", cut, "damaged"), (".4.50", cut, "cannot be decoded"),
                                (".4.70", cut, "cannot be decoded"),
                                (".4.80", cut, "cannot be decoded"), (".5", cut, "run-length"),
                                (".4.100", cut, "video"), (".4.102", cut, "video"),
                                (".4.107", cut, "video")):
        ds = dataset(grey[:1].shape, "MONOCHROME2", DICOM + number)
        cases.refuse(compressed(cases, f"damaged{number}-{len(data)}.dcm", ds, [data]), "invalid",
                     words)
    ds = dataset(grey.shape, "MONOCHROME2", DICOM + ".4.90")
    cases.refuse(compressed(cases, "fragments.dcm", ds, [code] * 3), "invalid", "3 fragments")
    ds = dataset(grey.shape, "YBR_PARTIAL_420", DICOM + ".1")
    cases.refuse(native(cases, "partial-420.dcm", ds, grey), "unsupported", "YBR_PARTIAL_420")
    ds = dataset(grey.shape, "MONOCHROME2", DICOM + ".1")
    ds.NumberOfFrames = 3
    cases.refuse(native(cases, "frames.dcm", ds, grey), "invalid", "bytes of pixels")


def make(folder):
    cases = Cases(folder)
    for part in (make_native, make_jpeg, make_jpeg2000, make_video, make_refused):
        part(cases)
    cases.write()


# --- real files


def shape_of(ds):
    frames = int(ds.get("NumberOfFrames") or 1)
    samples = (3,) if ds.SamplesPerPixel == 3 else ()
    return frames, ds.Rows, ds.Columns, samples


def by_numpy(ds, data):
    """Native pixels, without pydicom's handlers."""
    frames, rows, columns, samples = shape_of(ds)
    kind = np.dtype("u1" if ds.BitsAllocated == 8 else "<u2")
    if ds.PhotometricInterpretation == "YBR_FULL_422":
        packed = np.frombuffer(data, kind)[:frames * rows * columns * 2]
        y0, y1, cb, cr = packed.reshape(frames, rows, -1, 4).transpose(3, 0, 1, 2)
        ybr = np.stack([np.stack([y, cb, cr], axis=-1) for y in (y0, y1)], axis=-2)
        return ybr.reshape(frames, rows, columns, 3)
    count = frames * rows * columns * (3 if samples else 1)
    pixels = np.frombuffer(data[:count * kind.itemsize], kind)
    if samples and ds.PlanarConfiguration == 1:
        return pixels.reshape(frames, 3, rows, columns).transpose(0, 2, 3, 1)
    return pixels.reshape(frames, rows, columns, *samples)


def by_pillow(ds):
    frames = generate_pixel_data_frame(ds.PixelData, shape_of(ds)[0])
    return np.stack([np.asarray(Image.open(io.BytesIO(f))) for f in frames])


def by_openjpeg(ds, folder):
    made = []
    for frame in generate_pixel_data_frame(ds.PixelData, shape_of(ds)[0]):
        (folder / "x.j2k").write_bytes(frame)
        run("opj_decompress", "-i", folder / "x.j2k", "-o", folder / "x.ppm")
        made.append(np.asarray(Image.open(folder / "x.ppm")))
    return np.stack(made)


def by_dcmtk(path, ds, folder):
    made = []
    for k in range(shape_of(ds)[0]):
        run("dcmj2pnm", "--write-raw-pnm", "+F", str(k + 1), path, folder / "x.pnm")
        made.append(np.asarray(Image.open(folder / "x.pnm")))
    return np.stack(made)


def through_palette(index, ds):
    """Without pydicom, which takes a palette of big-endian words for one of little."""
    colours = []
    for colour in ("Red", "Green", "Blue"):
        entries, first, bits = getattr(ds, f"{colour}PaletteColorLookupTableDescriptor")
        assert first == 0 and bits == 16
        table = np.frombuffer(getattr(ds, f"{colour}PaletteColorLookupTableData"),
                              "<u2" if ds.is_little_endian else ">u2")[:entries or 65536]
        colours.append(table[np.minimum(index, len(table) - 1)] >> 8)
    return np.stack(colours, axis=-1)


def reference_of(path, ds, folder):
    """Pixels, most, mean, and whose they are."""
    syntax, photometric = ds.file_meta.TransferSyntaxUID, ds.PhotometricInterpretation
    most, mean, by = 0, 0.0, "pydicom"
    if syntax in (DICOM + ".4.50", DICOM + ".4.51") and ds.BitsAllocated == 8:
        return by_pillow(ds), 4, 0.6, "Pillow (libjpeg-turbo)"
    if syntax in (DICOM + ".4.90", DICOM + ".4.91"):
        return by_openjpeg(ds, folder), 0, 0.0, "opj_decompress"
    if syntax.is_compressed and syntax != DICOM + ".5" and syntax != DICOM + ".1.99":
        return by_dcmtk(path, ds, folder), 0, 0.0, "dcmj2pnm"
    if syntax.is_compressed:
        pixels = ds.pixel_array
        if shape_of(ds)[0] == 1:
            pixels = pixels[None]
    else:
        data = ds.PixelData
        if not ds.is_little_endian and ds["PixelData"].VR == "OW":
            data = np.frombuffer(data, ">u2").astype("<u2").tobytes()
        pixels, by = by_numpy(ds, data), "numpy"
    if photometric.startswith("YBR"):
        pixels, most, by = from_ybr(pixels), 2, by + " and the formula of PS3.3"
    elif photometric == "PALETTE COLOR" and "RedPaletteColorLookupTableData" in ds:
        pixels = through_palette(pixels, ds)
    elif photometric == "PALETTE COLOR":
        pixels = pydicom.pixel_data_handlers.util.apply_color_lut(pixels, ds) >> 8
        by += " and pydicom"
    return pixels, most, mean, by


def reference(data, folder):
    cases = Cases(folder)
    with open(pathlib.Path(data) / "MANIFEST.csv", encoding="utf-8") as file:
        names = [row["path"] for row in csv.DictReader(file)]
    for name in names:
        path = pathlib.Path(data) / name
        if name.startswith("fo-dicom__"):
            cases.refuse(str(path), "invalid", "")
            continue
        ds = pydicom.dcmread(path)
        pixels, most, mean, by = reference_of(path, ds, cases.folder)
        cases.add(str(path), pixels, most=most, mean=mean, by=by)
    cases.write()


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        reference(sys.argv[2], sys.argv[3])
