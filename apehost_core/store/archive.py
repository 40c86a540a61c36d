"""What the history page asks of the store: its parts, opened and closed with the database."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apehost_core.store.analytics import Charts
from apehost_core.store.cards import Cards
from apehost_core.store.care import Care
from apehost_core.store.console import Console
from apehost_core.store.console_runs import Runs
from apehost_core.store.database import Database
from apehost_core.store.exports import Exports
from apehost_core.store.import_jobs import ImportJobs
from apehost_core.store.imports import Imports
from apehost_core.store.kept import Kept
from apehost_core.store.saved_queries import SavedQueries
from apehost_core.store.search import Search
from apehost_core.store.speed_watch import SpeedWatch


@dataclass(frozen=True, slots=True)
class History:
    """The parts of the history page. All their methods block; call them off the loop.

    Attributes:
        data_dir: Folder of the database, the search index and the copies.
        search: Finds messages and titles.
        charts: What charts draw.
        cards: What is known of models and tools.
        speed: Whether models have become slower, and since when.
        imports: Takes in chats of other programs, in the background.
        exports: Writes chats down for other programs.
        console: Statements of a person's own over the documented views.
        statements: Those that run behind a page.
        queries: Those that were kept.
        care: Copies, sizes, checks and rules of how long things are kept.
        kept: Answers that are kept until something is committed.
    """

    data_dir: Path
    search: Search
    charts: Charts
    cards: Cards
    speed: SpeedWatch
    console: Console
    statements: Runs
    queries: SavedQueries
    imports: ImportJobs
    exports: Exports
    care: Care
    kept: Kept


@contextmanager
def open_history(database: Database, data_dir: Path, *, watched: Path | None = None) -> Generator[History, None, None]:
    """Open the parts; what works in the background ends with the context.

    Args:
        database: Where everything is.
        data_dir: Its folder.
        watched: A folder of LM Studio's chats that are taken in as they change; None watches none.
    """
    console = Console(database)
    statements = Runs(console)
    imports = ImportJobs(Imports(database), watched)
    search = Search(database, data_dir / "search")
    speed = SpeedWatch(database)
    care = Care(database, data_dir, search)
    try:
        yield History(
            data_dir,
            search=search,
            charts=Charts(database),
            cards=Cards(database),
            speed=speed,
            console=console,
            statements=statements,
            queries=SavedQueries(database, console),
            imports=imports,
            exports=Exports(database),
            care=care,
            kept=database.kept,
        )
    finally:
        care.close()
        speed.close()
        imports.close()
        search.close()
        statements.close()
        console.close()
