"""Foreign label formats become the one format, and broken ones are named by file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from flowalpr.errors import Problem
from flowalpr.lab.datasets.importers import IMPORTERS, Choice, Found, add, picture_size, read
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, load, save


def picture(path: Path, size: tuple[int, int] = (200, 100), orientation: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, (90, 120, 40))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


def test_every_importer_names_what_it_expects_when_there_is_nothing(tmp_path: Path) -> None:
    for kind in IMPORTERS:
        with pytest.raises(DataError):
            list(read(kind, tmp_path))
        with pytest.raises(DataError, match="there is no"):
            list(read(kind, tmp_path / "missing"))


def test_ccpd_reads_box_corners_text_and_condition_from_the_name(tmp_path: Path) -> None:
    name = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"
    picture(tmp_path / "ccpd_blur" / name)
    (found,) = read("ccpd", tmp_path)
    assert found.plates == (
        Plate(
            box=(154, 383, 232, 90),
            corners=((154, 383), (363, 402), (386, 473), (177, 454)),
            text="皖AY339S",
            country="CN",
        ),
    )
    assert found.conditions == ("blur",)


def test_ccpd_takes_new_energy_plates_of_eight_and_pictures_without_a_plate(tmp_path: Path) -> None:
    picture(tmp_path / "g" / "04-90_267-158&448_542&553-541&553_162&551_158&448_542&450-0_0_3_25_24_24_24_24-99-9.jpg")
    picture(tmp_path / "ccpd_np" / "1005.jpg")
    without, green = read("ccpd", tmp_path)
    assert without.plates == ()
    assert green.plates[0].text == "皖AD10000"


@pytest.mark.parametrize("name", ["holiday.jpg", "025-95_113-1&3_3&4-3&4_1&4_1&3_3&3-99_0_22_27_27_33_16-37-15.jpg"])
def test_a_picture_that_is_not_of_ccpd_is_refused_without_its_name(tmp_path: Path, name: str) -> None:
    picture(tmp_path / name)
    with pytest.raises(DataError) as caught:
        list(read("ccpd", tmp_path))
    assert name not in str(caught.value)


def test_openalpr_lines_give_box_text_and_the_country_of_their_folder(tmp_path: Path) -> None:
    picture(tmp_path / "br" / "a.jpg")
    (tmp_path / "br" / "a.txt").write_text("a.jpg\t10\t20\t50\t15\tabc-1234\n")
    (found,) = read("openalpr", tmp_path)
    assert found.plates == (Plate(box=(10, 20, 50, 15), text="ABC1234", country="BR"),)
    (tmp_path / "br" / "a.txt").write_text("a.jpg\t10\t20\tABC1234\n")
    with pytest.raises(DataError, match=r"a\.txt:1:1"):
        list(read("openalpr", tmp_path))


def test_voc_takes_objects_that_sound_like_plates_with_their_text(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages" / "1.png")
    box = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>60</xmax><ymax>35</ymax></bndbox>"
    text = "<attributes><attribute><name>text</name><value>ab 12 cde</value></attribute></attributes>"
    objects = f"<object><name>car</name>{box}</object><object><name>licence</name>{box}{text}</object>"
    xml = tmp_path / "Annotations" / "1.xml"
    xml.parent.mkdir()
    xml.write_text(f"<annotation>{objects}</annotation>")
    (found,) = read("voc", tmp_path)
    assert found.plates == (Plate(box=(10, 20, 50, 15), text="AB12CDE"),)
    (car,) = read("voc", tmp_path, Choice(classes=("car",)))
    assert len(car.plates) == 1
    with pytest.raises(DataError, match="one of: car, licence"):
        list(read("voc", tmp_path, Choice(classes=("lorry",))))
    xml.write_text("<annotation><object>")
    with pytest.raises(DataError, match="is not XML"):
        list(read("voc", tmp_path))


@pytest.mark.parametrize(
    ("line", "plate"),
    [
        ("1 0.5 0.5 0.4 0.2", Plate(box=(60, 40, 80, 20))),
        (
            "1 0.3 0.4 0.7 0.4 0.7 0.6 0.3 0.6",
            Plate(box=(60, 40, 80, 20), corners=((60, 40), (140, 40), (140, 60), (60, 60))),
        ),
        (
            "1 0.5 0.5 0.4 0.2 0.3 0.4 2 0.7 0.4 2 0.7 0.6 2 0.3 0.6 2",
            Plate(box=(60, 40, 80, 20), corners=((60, 40), (140, 40), (140, 60), (60, 60))),
        ),
    ],
)
def test_yolo_boxes_oriented_boxes_and_key_points_come_to_pixels(tmp_path: Path, line: str, plate: Plate) -> None:
    picture(tmp_path / "images" / "train" / "1.jpg", (200, 100))
    labels = tmp_path / "labels" / "train" / "1.txt"
    labels.parent.mkdir(parents=True)
    labels.write_text(f"0 0.1 0.1 0.1 0.1\n{line}\n")
    (tmp_path / "data.yaml").write_text("names: [car, License_Plate]\n")
    (found,) = read("yolo", tmp_path)
    (got,) = found.plates
    assert got.box == pytest.approx(plate.box)
    assert (got.corners is None) == (plate.corners is None)
    if got.corners and plate.corners:
        for a, b in zip(got.corners, plate.corners, strict=True):
            assert a == pytest.approx(b)


def test_a_yolo_line_of_seven_numbers_is_named_by_file_and_line(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    (tmp_path / "1.txt").write_text("0 .5 .5 .1 .1\n0 .5 .5 .1 .1 .2 .2\n")
    with pytest.raises(DataError, match=r"1\.txt:2:1"):
        list(read("yolo", tmp_path))


def test_coco_reads_boxes_texts_and_polygons_of_four_points(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "7.jpg")
    polygon = [60, 40, 140, 40, 140, 60, 60, 60]
    plate = {"image_id": 7, "category_id": 2, "bbox": [60, 40, 80, 20], "segmentation": [polygon]}
    content = {
        "images": [{"id": 7, "file_name": "images/7.jpg"}],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "number plate"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [0, 0, 200, 100]},
            plate | {"attributes": {"text": "w-12345"}},
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    (found,) = read("coco", tmp_path)
    assert found.plates == (
        Plate(box=(60, 40, 80, 20), corners=((60, 40), (140, 40), (140, 60), (60, 60)), text="W12345"),
    )
    (tmp_path / "instances.json").write_text("{}")
    with pytest.raises(DataError, match="not a label file of COCO"):
        list(read("coco", tmp_path))


@pytest.mark.parametrize(
    "table",
    [
        "file,text,x,y,w,h\na.jpg,AB 12 CDE,10,20,50,15\n",
        "filename;plate;xmin;ymin;xmax;ymax\na.jpg;ab12cde;10;20;60;35\n",
        "\ufeffImage\tLabel\tLeft\tTop\tWidth\tHeight\nsub/a.jpg\tAB-12-CDE\t10\t20\t50\t15\n",
    ],
)
def test_csv_tables_are_read_under_the_usual_names(tmp_path: Path, table: str) -> None:
    picture(tmp_path / "a.jpg")
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    (found,) = read("csv", tmp_path, Choice(country="GB"))
    assert found.picture == tmp_path / "a.jpg"
    assert found.plates == (Plate(box=(10, 20, 50, 15), text="AB12CDE", country="GB"),)


def test_a_csv_without_boxes_gives_texts_alone(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("file,text\na.jpg,AB12CDE\na.jpg,XY34ZZZ\n")
    (found,) = read("csv", tmp_path / "t.csv")
    assert [plate.text for plate in found.plates] == ["AB12CDE", "XY34ZZZ"]
    assert all(plate.box is None for plate in found.plates)


def test_imported_pictures_lie_beside_their_labels_and_broken_ones_are_reported(tmp_path: Path) -> None:
    good, broken = picture(tmp_path / "from" / "1.jpg"), tmp_path / "from" / "2.jpg"
    broken.write_bytes(b"no picture")
    target = tmp_path / "to"
    found = [Found(good, (Plate(text="AB12CDE"),), ("night",)), Found(broken)]
    first, second = add(iter(found), target)
    assert isinstance(first, Sample)
    assert isinstance(second, Problem)
    dataset = load(target)
    assert dataset.samples == (first,)
    assert (first.width, first.height, first.conditions) == (200, 100, ("night",))
    assert dataset.picture(first).read_bytes() == good.read_bytes()


def test_importing_twice_adds_and_overwrites_nothing(tmp_path: Path) -> None:
    red, blue = picture(tmp_path / "a" / "1.jpg"), picture(tmp_path / "b" / "1.jpg", (50, 40))
    for path in (red, blue):
        list(add(iter([Found(path)]), tmp_path / "to", link=True))
    dataset = load(tmp_path / "to")
    assert [(sample.file, sample.width) for sample in dataset] == [("images/1.jpg", 200), ("images/1_2.jpg", 50)]
    assert dataset.picture(dataset.samples[1]).samefile(blue)


def test_labels_and_crops_import_themselves(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.jpg")
    plate = Plate(box=(1, 2, 3, 4), text="京A12345", country="CN", rows=2)
    save(Dataset(tmp_path, (Sample(file="images/1.jpg", width=200, height=100, plates=(plate,)),)))
    (found,) = read("labels", tmp_path)
    assert found.plates == (plate,)
    (tmp_path / "crops.jsonl").write_text('{"file": "images/1.jpg", "box": [1, 2, 3, 4], "text": "AB1"}\n')
    (crop,) = read("labels", tmp_path / "crops.jsonl")
    assert crop.plates == (Plate(box=(1, 2, 3, 4), text="AB1"),)


@pytest.mark.parametrize(("orientation", "size"), [(1, (200, 100)), (3, (200, 100)), (6, (100, 200)), (8, (100, 200))])
def test_sizes_are_those_of_the_picture_as_it_is_shown(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    assert picture_size(picture(tmp_path / "1.jpg", (200, 100), orientation)) == size
